"""Which values an attribute may have: the shape decides where a name has several meanings."""

from __future__ import annotations

import re
from collections.abc import Callable

_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IP = re.compile(
    rf"(?:::ffff:)?(?:{_BYTE}\.){{3}}{_BYTE}|[0-9a-f]{{0,4}}(?::[0-9a-f]{{0,4}}){{2,7}}(?:%\w+)?",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[^\s/\\@]+@[^\s/\\@]+")
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_HASHES = re.compile(r"(?:sha1|sha256|md5|imphash)[=:]", re.IGNORECASE)
_GUID = re.compile(r"\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?", re.IGNORECASE)
_NUMBER = re.compile(r"(?:0x)?[0-9a-f]*|[\d.,:+\-]+", re.IGNORECASE)
_CONTAINER = re.compile(
    r"(?P<registry>(?:[a-z0-9][a-z0-9\-]*(?:\.[a-z0-9\-]+)+(?::\d+)?|[a-z0-9\-]+:\d+|localhost)/)?"
    r"(?:[a-z0-9][a-z0-9._\-]*/)*[a-z0-9][a-z0-9._\-]*"
    r"(?P<tag>:[A-Za-z0-9_][\w.\-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?"
)
"""`registry.example:5000/team/app:1.2@sha256:...`, after the grammar of references in the
distribution project (github.com/distribution/reference): in lower case but for the tag."""
_PATH = re.compile(r"[\\/]|\.\w{1,5}$")
_URL = re.compile(r"https?://|^/|\w\.\w", re.IGNORECASE)
_REGISTRY = re.compile(
    r"^\\?(?:hk|registry|system\\)|\\(?:software|system|currentversion)\\", re.IGNORECASE
)
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9]*(?:[._][a-z0-9]+)*")
_TYPED = re.compile(r"[A-Za-z]+::?[A-Za-z0-9]+(?:[/:.][A-Za-z0-9:./\-]+)")
_NO_OPERATION = frozenset(
    "publish alert alarm alerts detection detections event events security finding info warning"
    " error audit_success audit_failure detected reported allow allowed signature".split()
)
"""What kind of record it is, and what was done with it on its way here."""
_NO_NAME = re.compile(r"^Microsoft-Windows-|^\w+\.(?:exe|dll|sys|ps1|bat|vbs)$", re.IGNORECASE)
"""A channel of Windows or a program: what an event comes from, no rule."""
_TACTICS = frozenset(
    "reconnaissance|resource development|initial access|execution|persistence|privilege escalation"
    "|defense evasion|credential access|discovery|lateral movement|collection|exfiltration"
    "|command and control|impact|stealth|defense impairment".split("|")
)
_NO_HOST = re.compile(r"[ /\n\\:@]")
_ROOT = re.compile(r"[A-Za-z]:[\\/]|[\\/]")
_REGISTRY_ROOT = re.compile(r"\\registry\\", re.IGNORECASE)
_TEXT = re.compile(r"[^\W\d_]{2}")
READ = 4096
"""Characters of a value that decide."""


def _is_ip(text: str) -> bool:
    if "." not in text and ":" not in text:
        return False
    if text.count(":") == 2 and "." not in text and "::" not in text:
        return False  # a time of day
    return bool(_IP.fullmatch(text)) and text not in ("0.0.0.0", "::")


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and not text.isalpha()


def _is_program(text: str) -> bool:
    return len(text) < 1000 and not (
        _is_number(text)
        or _GUID.fullmatch(text)
        or ("://" in text and not text.startswith("file:///"))
        or "\n" in text
    )


def _is_user(text: str) -> bool:
    return len(text) < 300 and "\n" not in text and not text.isdigit() and not _is_ip(text)


def _is_host(text: str) -> bool:
    return (
        len(text) < 256
        and not _is_ip(text)
        and not text.isdigit()
        and not _NO_HOST.search(text)
        and not _GUID.fullmatch(text)
    )


def _is_file(text: str) -> bool:
    return (
        1 < len(text) < 1000
        and not text.startswith(('"', '\\"'))
        and bool(_PATH.search(text))
        and not any(each in text for each in ("\n", "http://", "https://"))
        and not _MAIL.fullmatch(text)
    )


def _is_container(text: str) -> bool:
    """The image of a container: it has a tag, a digest or a registry."""
    is_drive = text[1:2] == ":"
    found = _CONTAINER.fullmatch(text) if len(text) < 500 and not is_drive else None
    return bool(found and (found["registry"] or found["tag"] or found["digest"]))


def _is_hash(text: str) -> bool:
    return bool(_HASH.fullmatch(text) or _HASHES.match(text))


def _is_name(text: str) -> bool:
    """A rule or a title: words, no id, no address."""
    return (
        2 < len(text) < 500
        and bool(_TEXT.search(text))
        and not _GUID.fullmatch(text)
        and not _is_number(text)
        and not _NO_NAME.match(text)
    )


def _is_command(text: str) -> bool:
    return len(text) > 1 and not _is_number(text) and not _GUID.fullmatch(text)


def _is_operation(text: str) -> bool:
    return (
        len(text) < 200
        and "\n" not in text
        and not _GUID.fullmatch(text)
        and text.lower() not in _NO_OPERATION
    )


def _is_phrase(text: str) -> bool:
    """Words with blanks between them, and no path: a name that a person gave."""
    named = " " in text and bool(_TEXT.search(text)) and not _ROOT.match(text)
    return named and text.lower() not in _TACTICS


def _is_event_type(text: str) -> bool:
    """`user.session.start`, `authentication`: what happened, not which kind of record it is."""
    return bool(_EVENT_TYPE.fullmatch(text))


def _is_rooted(text: str) -> bool:
    """A whole path of a file, and no ARN, URL or key of the registry."""
    return bool(_ROOT.match(text)) and not _REGISTRY_ROOT.match(text)


_SHAPES: dict[str, Callable[[str], bool]] = {
    "process": _is_program,
    "parent": _is_program,
    "command_line": _is_command,
    "parent_command_line": _is_command,
    "user": _is_user,
    "host": _is_host,
    "src_ip": _is_ip,
    "dest_ip": _is_ip,
    "file": _is_file,
    "hash": _is_hash,
    "registry": lambda text: bool(_REGISTRY.search(text)),
    "url": lambda text: bool(_URL.search(text)) and len(text) < 4000,
    "rule": _is_name,
    "title": _is_name,
    "description": lambda text: len(text) > 3,
    "operation": _is_operation,
    "event_code": lambda text: text.isdigit() and len(text) < 6,
    "container": _is_container,
    "no_container": lambda text: "\n" not in text and not _is_container(text),
    "phrase": _is_phrase,
    "event_type": _is_event_type,
    "rooted": _is_rooted,
    "aws_service": lambda text: text.lower().endswith(".amazonaws.com") and len(text) < 100,
    "typed": lambda text: bool(_TYPED.fullmatch(text)),
    "named": lambda text: bool(_TEXT.search(text)) and not _GUID.fullmatch(text),
    "dest_port": lambda text: text.isdigit() and len(text) < 6,
}


def shape_of(attribute: str) -> Callable[[str], bool] | None:
    """What says whether the first `READ` characters of a text can be a value of an attribute; None
    for one that can be anything."""
    return _SHAPES.get(attribute)


def fits(attribute: str, text: str) -> bool:
    """Whether a text can be a value of an attribute."""
    has_shape = _SHAPES.get(attribute)
    return has_shape is None or has_shape(text[:READ])
