"""Rule names, freed of what products, vendors and the site put around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

MAX_KEYS = 12
"""Keys that a name has at most: each is looked for in every lookup that knows rules."""

_MAX_NAME = 500
_MAX_SUFFIXES = 5
_MAX_PREFIXES = 7
_MAX_IDS = 20
_NOT_WORD = re.compile(r"[\W_]+")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
_MARKS = frozenset(
    "clone cloned combined copy custom customised customized deprecated dev disabled draft "
    "duplicate duplicated local modified prod production rule staging test testing tuned".split()
)
"""What is put behind a title after a dash or in parentheses."""
_BARE_MARKS = frozenset(("clone", "duplicate"))
"""What is put there without: Splunk names a copy so."""
_SOURCES = {
    "escu": "splunk",
    "splunk": "splunk",
    "splunk es": "splunk",
    "splunk escu": "splunk",
    "sigma": "sigma",
    "sigmahq": "sigma",
    "sigma alert": "sigma",
    "sigma rule": "sigma",
    "elastic": "elastic",
    "elastic rule": "elastic",
    "elastic security": "elastic",
    "elastic siem": "elastic",
}
_RETIRED_BEFORE = ("deprecated - ", "deprecated: ", "[deprecated] ", "(deprecated) ")
_RETIRED_BEHIND = (" - deprecated", " [deprecated]", " (deprecated)")
_AROUND_IDS = str.maketrans(dict.fromkeys(",;|[]{}()\"'", " "))
_UUID = (8, 4, 4, 4, 12)
_HEX = frozenset("0123456789abcdef")
# Parts are found without regular expressions: compiling those costs each search milliseconds.


def rule_key(title: str) -> str:
    """A rule's title, its case, punctuation and spacing folded: what two spellings share."""
    return _NOT_WORD.sub(" ", title.casefold()).strip()


def rule_keys(name: str) -> list[str]:
    """The keys under which a rule named so in an alert may be known, the fullest name first.

    Off come, any number of them: `ESCU - `, `SIGMA: `, `[Custom]`, `<domain> - ` before the title;
    ` - Rule`, ` - Combined`, ` Clone`, ` (copy)`, `[Duplicate]`, ` v2` behind it. A title may hold
    such a part itself, which is why every step has its key. There are at most `MAX_KEYS`.
    """
    return list(_keys(name[:_MAX_NAME]))


def title_keys(title: str) -> list[str]:
    """The keys of a rule that the site names so, the fullest first: only what is no title is off.

    Not every part before a dash, as in `rule_keys`: a rule `Malware - Elastic Defend` would be
    what `Ransomware - Elastic Defend` is.
    """
    text = _plain(title[:_MAX_NAME])
    ends = _ends(text)
    starts = _starts(text, ends[-1])
    domain = " - rule" in text[ends[-1] :].casefold()  # <domain> - X - Rule: one part is off
    sure = [0]
    for start, end in zip(starts, starts[1:]):
        part = text[start:end].rstrip(" :-")
        if not (
            part.startswith("[")
            or part.casefold() == "copy of"
            or part.casefold() in _MARKS
            or _source(part)
        ):
            if not domain:
                break
            domain = False
        sure.append(end)
    return _distinct(text, sure, ends)


def source_of(name: str) -> str:
    """The source that a rule's name says it is from, by what stands before the title; else ''.

    `ESCU - X - Rule` is Splunk's, `SIGMA: X` Sigma's, `[Elastic] X` Elastic's.
    """
    text = _plain(name[:_MAX_NAME])
    starts = _starts(text, len(text))
    parts = (text[start:end].strip(" :-[]") for start, end in zip(starts, starts[1:]))
    return next(filter(None, map(_source, parts)), "")


def retired_title(title: str) -> str:
    """The title that a rule had before its authors wrote `Deprecated - ` to it; else ''."""
    text = title = _plain(title)
    low = text.replace("\u0130", "I").lower()
    for mark in _RETIRED_BEFORE:
        if low.startswith(mark):
            text = text[len(mark) :]
    for mark in _RETIRED_BEHIND:
        if low.endswith(mark):
            text = text[: -len(mark)]
    return text if text != title and _is_telling(rule_key(text)) else ""


def rule_ids(text: str) -> tuple[str, ...]:
    """The rule ids that a text consists of, in lower case; none where it holds anything else.

    Sigma, Elastic and Splunk name their rules by UUIDs. Elastic puts the version behind it
    (`<UUID>_105`), and a field may hold several, in braces or as a list.
    """
    parts = text[: _MAX_IDS * 50].lower().replace("urn:uuid:", "").translate(_AROUND_IDS).split()
    ids = [part.partition("_")[0] if part[-1:].isdigit() else part for part in parts]
    return tuple(dict.fromkeys(ids))[:_MAX_IDS] if all(map(_is_uuid, ids)) else ()


@lru_cache(maxsize=2048)
def _keys(name: str) -> tuple[str, ...]:
    text = _plain(name)
    ends = _ends(text)
    return tuple(_distinct(text, _starts(text, ends[-1]), ends))


def _distinct(text: str, starts: Sequence[int], ends: Sequence[int]) -> list[str]:
    """Up to `MAX_KEYS` keys of the parts of `text`, the fullest first: the whole and the barest.

    What is neither goes where there are too many: a title has one thing around it, or all.
    """
    keys: dict[str, None] = {}
    for start, end in [(0, len(text)), *((at, end) for end in reversed(ends) for at in starts)]:
        key = rule_key(text[start:end])
        if key and (_is_telling(key) or not keys):
            keys[key] = None
        if len(keys) == MAX_KEYS:
            break
    return sorted(keys, key=len, reverse=True)


def _is_telling(key: str) -> bool:
    """Whether a part of a name can be a title: two words, or some letters of a script without."""
    return " " in key or (key >= "\u2e80" and len(key) > 1)


def _plain(name: str) -> str:
    return " ".join(name.translate(_DASHES).split())


def _starts(text: str, end: int) -> list[int]:
    """Where a title that ends at `end` may begin: at 0 and behind each thing put before it."""
    starts = [0]
    while len(starts) <= _MAX_PREFIXES:
        start = _behind_prefix(text, starts[-1])
        if not starts[-1] < start < end:
            break
        starts.append(start)
    return starts


def _behind_prefix(text: str, start: int) -> int:
    """Where what is put before a title ends; 0 where there is nothing such."""
    if text.startswith("[", start) and "]" in text[start:]:
        start = text.index("]", start) + 1
        return start + text.startswith(" ", start)
    if text[start : start + 8].casefold() == "copy of ":
        return start + 8
    found = [text.find(mark, start) + len(mark) for mark in (" - ", ": ") if mark in text[start:]]
    return min(found, default=0)


def _ends(text: str) -> list[int]:
    """Where a title may end: at the end and before each thing put behind it, the fullest first."""
    ends = [len(text)]
    low = text.replace("\u0130", "I").lower()  # the one letter of which two become
    while len(ends) <= _MAX_SUFFIXES:
        end = _before_suffix(low[: ends[-1]])
        if not 0 < end < ends[-1]:
            break
        ends.append(end)
    return ends


def _before_suffix(text: str) -> int:
    """Where what is put behind a title begins; 0 where there is nothing such."""
    if text.endswith("]"):
        return len(text[: max(0, text.rfind("["))].rstrip())
    if text.endswith(")"):
        start = max(0, text.rfind("("))
        inner = text[start + 1 : -1]
        is_mark = _is_mark(inner, _MARKS) or _is_version(inner) or inner.isdigit()
        return len(text[:start].rstrip()) if is_mark else 0
    before, dash, last = text.rpartition(" - ")
    if dash and (_is_mark(last, _MARKS) or _is_version(last)):
        return len(before)
    words = text.rsplit(" ", 2)
    for count in (1, 2):
        last = " ".join(words[-count:])
        if len(words) > count and (_is_mark(last, _BARE_MARKS) or _is_version(last)):
            return len(text) - len(last) - 1
    return 0


def _is_mark(text: str, marks: frozenset[str]) -> bool:
    """`copy`, `copy 2`."""
    word, _, number = text.partition(" ")
    return word in marks and (not number or number.isdigit())


def _is_version(text: str) -> bool:
    """`v2`, `v 1.2`, `ver. 2`, `version 2.0`."""
    number = text.lstrip("version").lstrip(". ")
    word = text[: len(text) - len(number)].rstrip(". ")
    return word in ("v", "ver", "version") and number.replace(".", "").isdigit()


def _source(part: str) -> str:
    part = part.strip("[] ").casefold()
    return "splunk" if part.startswith("escu ") else _SOURCES.get(part, "")


def _is_uuid(text: str) -> bool:
    """One of Sigma's rules has a letter too many, and still is what its alerts name."""
    parts = text.split("-")
    lengths = tuple(map(len, parts))
    return lengths in (_UUID, (*_UUID[:-1], 13)) and _HEX.issuperset("".join(parts))
