"""`_raw`: the event as its product wrote it, where Splunk has taken no fields from it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from html import unescape
from json import JSONDecoder
from typing import Any

from lofp_enrich.search.alert.leaves import MAX_LEAVES, MAX_TEXT

_XML_DATA = re.compile(r"<Data Name=['\"]([^'\"<>]{1,100})['\"]\s*>([^<]*)</Data>")
_XML_LEAF = re.compile(r"<([A-Za-z]\w{1,60})(?:\s[^<>]*)?>([^<]+)</\1>")
_XML_PROVIDER = re.compile(r"<Provider\s[^<>]*\bName=['\"]([^'\"<>]{1,200})['\"]")
_PAIR = re.compile(
    r'(?:^|(?<=[\s,;|{(]))([A-Za-z_][\w.\-]{0,99})(?:\s=\s|=)("(?:[^"\\]|\\.)*"|[^\s,;|]*)'
)
_CEF = re.compile(r"(?:^|\s)CEF:\s?\d")
_LEEF = re.compile(r"(?:^|\s)LEEF:\s?\d")
_LEEF_CODE = re.compile(r"(?:0x|x)([0-9A-Fa-f]{1,4})")
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPE = re.compile(r"\\([\\|=nr])")
_ESCAPED = re.compile(r"[^\\]*(?:\\[\\|=nr][^\\]*)*")
_CEF_NAME = re.compile(r"(?:^|(?<=\s))([A-Za-z][\w.]{0,60})=")
_LINE = re.compile(
    r"^([ \t]*)([A-Za-z][A-Za-z0-9 _/\-]{0,50}?):(?:[ \t]+(\S.*)|[ \t\r]*)$", re.MULTILINE
)
_CLASSIC = re.compile(r"^LogName=\S", re.MULTILINE)
_CLASSIC_HEAD = re.compile(r"^([A-Za-z]\w{1,40})=(.*)$", re.MULTILINE)
_CLASSIC_MESSAGE = "\nMessage="
_JSON_PAIR = re.compile(r'"([^"\\\s]{1,100})"\s?:\s?(?:\[\s?)?("(?:[^"\\]|\\.)*"|-?\d[\d.]*)')
_BREAK = re.compile(r"\\r\\n|\\n(?=[A-Z][\w ]{2,40}: )")
_JSON = re.compile(r"\{\s*[\"}]|\[\s*\{")
"""How an object begins, or a list of them; `app[123]:` in the header of syslog is neither."""
_DECODER = JSONDecoder()
_LABEL = "Label"
_HEADER = 400
"""Characters that a header of syslog may have before the event itself."""


def fields_of(raw: str) -> dict[str, Any]:
    """The fields of a raw event: JSON, Windows' XML or text, CEF, LEEF, `key="value"`
    or `Key: value`."""
    text = raw[:MAX_TEXT].strip()
    if not text:
        return {}
    start = next((at.start() for at in _JSON.finditer(text[:_HEADER])), -1)
    if start >= 0:
        opened = _first_json(text[start:])
        if isinstance(opened, list) and opened:
            opened = opened[0]
        if isinstance(opened, dict):
            return opened
        if len(raw) > MAX_TEXT and text[start] == "{" and "<Event" not in text[:_HEADER]:
            return _pairs_of(_JSON_PAIR, text)
    for applies, read in _FORMS:
        if applies(text):
            return read(text)
    return {}


def _first_json(text: str) -> Any:
    """The first value of a text, whatever comes behind it; None where it is no JSON."""
    try:
        return _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _xml(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in (*_XML_DATA.findall(text), *_XML_LEAF.findall(text)):
        if name != "Data":
            found.setdefault(name, unescape(value).strip())
    provider = _XML_PROVIDER.search(text)
    if provider:
        found["Provider"] = provider[1]
    return found


def _cef(text: str) -> dict[str, Any]:
    text = text[text.index("CEF:") :]
    parts, extension = _after_bars(text, 7)
    found = _header_of(parts)
    if len(parts) > 5:
        found["title"] = _unescaped(parts[5])
    for name, value in _blank_pairs(extension):
        found.setdefault(name, _unescaped(value).strip())
    for name in [name for name in found if name.endswith(_LABEL)]:
        named = found.get(name[: -len(_LABEL)])
        if named:
            found.setdefault(found[name], named)
    return found


def _leef(text: str) -> dict[str, Any]:
    """LEEF: pairs behind tabs, or from 2.0 on behind a character that the header names, itself or
    by its number (`x5E`, `0x5E`), as IBM's guide to the format has it. Nothing in it is escaped."""
    text = text[text.index("LEEF:") :]
    parts, extension = _after_bars(text, 5)
    separator = "\t"
    if text.startswith("LEEF:2"):
        named, bar, rest = extension.partition("|")
        code = _LEEF_CODE.fullmatch(named)
        if bar and (code or len(named) < 2):
            extension = rest
            separator = chr(int(code[1], 16)) if code else named or separator
    found = _header_of(parts)
    pairs = _blank_pairs(extension)
    if separator in extension:
        parted = (each.partition("=") for each in extension.split(separator))
        pairs = [(name, value) for name, equals, value in parted if equals]
    for name, value in pairs:
        found.setdefault(name.strip(), value.strip())
    return found


def _blank_pairs(extension: str) -> list[tuple[str, str]]:
    """`a=b c d=e`: a name is a word before a `=`, its value all up to the next name."""
    names = [*_CEF_NAME.finditer(extension)]
    ends = [*(each.start() for each in names[1:]), len(extension)]
    return [(each[1], extension[each.end() : end]) for each, end in zip(names, ends)]


def _after_bars(text: str, bars: int) -> tuple[list[str], str]:
    """What stands between the bars of a header, and what comes after them."""
    parts, at = [], 0
    for found in itertools.islice(_BAR.finditer(text), bars):
        parts.append(text[at : found.start()])
        at = found.end()
    return parts, text[at:] if len(parts) == bars else ""


def _header_of(parts: list[str]) -> dict[str, Any]:
    if len(parts) < 3:
        return {}
    return {"device_vendor": _unescaped(parts[1]), "device_product": _unescaped(parts[2])}


def _unescaped(text: str) -> str:
    """A value of CEF. A backslash before anything that CEF does not escape: its sender escapes
    nothing, and `C:\\new` is a path."""
    if not _ESCAPED.fullmatch(text):
        return text
    return _ESCAPE.sub(lambda found: {"n": "\n", "r": "\n"}.get(found[1], found[1]), text)


def _pairs(text: str) -> dict[str, Any]:
    return _pairs_of(_PAIR, text)


def _pairs_of(pattern: re.Pattern[str], text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in itertools.islice(pattern.finditer(text), MAX_LEAVES):
        name, value = pair[1], pair[2].strip()
        if value.startswith('"'):
            value = value[1:-1].replace('\\"', '"')
        held = found.get(name)
        if held is None:
            found[name] = value
        elif isinstance(held, list):
            held.append(value)
        elif held != value:
            found[name] = [held, value]
    return found


def _windows(text: str) -> dict[str, Any]:
    """An event as Splunk's input for Windows renders it unless told to keep the XML: `LogName=`
    and the like a line each, then `Message=` with what Windows' event viewer shows."""
    head, _, message = text.partition(_CLASSIC_MESSAGE)
    found = _lines(message)
    if found:
        message = message.lstrip().partition("\n")[0]
    for name, value in _CLASSIC_HEAD.findall(head):
        # The head's User is the account that wrote to the log, the message's the one that acted.
        found.setdefault(name, value.strip())
    found["Message"] = message.strip().rstrip(":")
    return found


def _lines(text: str) -> dict[str, Any]:
    """`Key: value` of each line. Of Windows' messages, whose lines stand indented below `Subject:`
    or `Process Information:`, a key has that before it: one of `Account Name` acted, another not.
    """
    found: dict[str, Any] = {}
    section = ""
    for indent, name, value in _LINE.findall(_BREAK.sub("\n", text)):
        value = value.strip()
        if not indent:
            section = "" if value else f"{name}."
        if value:
            found.setdefault(section * bool(indent) + name, value)
    return found


def _is_lines(text: str) -> bool:
    found = _LINE.findall(_BREAK.sub("\n", text[:4000]))
    return sum(bool(value.strip()) for _, _, value in found) > 1


_FORMS: tuple[tuple[Callable[[str], Any], Callable[[str], dict[str, Any]]], ...] = (
    (lambda text: "<Event" in text[:2000] and "</" in text, _xml),
    (lambda text: _CLASSIC.search(text[:_HEADER]), _windows),
    (lambda text: _CEF.search(text[:_HEADER]), _cef),
    (lambda text: _LEEF.search(text[:_HEADER]), _leef),
    (lambda text: len(_PAIR.findall(text[:4000])) > 2, _pairs),
    (_is_lines, _lines),
)
