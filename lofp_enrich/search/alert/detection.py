"""Sigma's detection items on the attributes of an alert: `command_line|contains: [a, b]`.

A map holds as a whole, the values of a list are alternatives, `|all` wants each of them. What the
alert does not say is unknown, never false: evaluation has three values, True, False and None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from lofp_enrich.search.alert.fields import ATTRIBUTES
from lofp_enrich.search.alert.programs import INTERPRETERS, program
from lofp_enrich.search.alert.reach import (
    beyond_reach,
    folded,
    from_service,
    has_folder,
    reserved_caller,
)
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.errors import SearchError

Truth = Optional[bool]
"""None where the alert does not say it."""

HOWS = ("is", "contains", "startswith", "endswith", "re", "cidr")
"""How a value is compared; without a modifier it is the whole one, with Sigma's `*` and `?`."""
PATHS = frozenset(("process", "parent", "file", "object"))
"""Attributes that hold paths: compared in one form, and a bare name leaves the folder open."""
_SYSTEM = (
    *("c:\\windows\\system32\\", "c:\\windows\\syswow64\\", "c:\\windows\\explorer.exe"),
    *("\\usr\\bin\\", "\\usr\\sbin\\", "\\bin\\", "\\sbin\\"),
)
"""Where programs of the system lie, which do as anybody tells them."""
MAX_PATTERN = 500
_TOKEN = re.compile(r"(\.[*+]\??)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()*+?{}|\\\[]", re.DOTALL)
"""What an expression may be made of: `.*` and the like, else an escape, a class or a letter."""
_SHOWN = 120


class Item(NamedTuple):
    """One attribute and what it is compared with."""

    attribute: str
    how: str
    every: bool
    """All patterns must be found (`|all`), not one."""
    patterns: tuple[str, ...]
    """Folded."""
    tests: tuple[Any, ...]
    """Compiled expressions or networks where `how` needs them, parallel to `patterns`."""


Condition = tuple[Item, ...]
"""A map: all of it must hold."""


class Pieces(NamedTuple):
    """An expression cut at its wildcards. The pieces have a fixed length, so each is looked for
    once, behind the one before: no text, of which an alert may hold any, can make that slow."""

    parts: tuple[tuple[int, re.Pattern[str]], ...]
    """The least that lies between a piece and the one before, and the piece."""

    def are_in(self, text: str) -> bool:
        """Whether all pieces stand in a text in their order."""
        at = 0
        for gap, part in self.parts:
            if at + gap > len(text):
                return False
            found = part.search(text, at + gap)
            if not found:
                return False
            at = found.end()
        return True


class Met(NamedTuple):
    """What became of a condition."""

    truth: Truth
    because: str
    """`parent is C:\\...\\Code.exe`: what decided; what is missing where it is not known."""
    beyond: bool = False
    """It holds, and by something that is out of an ordinary intruder's reach."""


def condition(items: Mapping[str, Any]) -> Condition:
    """A map of `attribute|modifier: value or list`; raises SearchError naming the key."""
    return tuple(_item(str(key), value) for key, value in items.items())


def _item(key: str, value: Any) -> Item:
    attribute, *modifiers = key.split("|")
    if attribute not in ATTRIBUTES:
        raise SearchError(f"{key}: an alert has no attribute {attribute}.")
    every = "all" in modifiers
    hows = [each for each in modifiers if each != "all"]
    if len(hows) > 1 or not set(hows) <= set(HOWS[1:]):
        raise SearchError(f"{key}: the modifiers are {', '.join(HOWS[1:])} and all.")
    how = hows[0] if hows else "is"
    values = value if isinstance(value, (list, tuple)) else [value]
    texts = [str(each) for each in values]
    if not texts or not all(texts) or max(map(len, texts)) > MAX_PATTERN:
        raise SearchError(f"{key}: values have 1 to {MAX_PATTERN} characters.")
    patterns = tuple(_pattern(attribute, how, text) for text in texts)
    return Item(attribute, how, every, patterns, tuple(_test(key, how, each) for each in patterns))


def _pattern(attribute: str, how: str, text: str) -> str:
    if how == "re":
        return text
    lower = text.lower()
    return lower.replace("/", "\\") if attribute in PATHS else lower


def _test(key: str, how: str, pattern: str) -> Any:
    if how == "re":
        return _pieces(key, pattern)
    if how == "cidr":
        from ipaddress import ip_network  # every search pays for what is imported at its start

        try:
            return ip_network(pattern, strict=False)
        except ValueError as error:
            raise SearchError(f"{key}: no network ({error}).") from error
    if how == "is" and ("*" in pattern or "?" in pattern):
        parts = [re.escape(each).replace("\\?", ".") for each in re.split(r"\*+", pattern)]
        parts[0], parts[-1] = r"\A" + parts[0], parts[-1] + r"\Z"
        return Pieces(tuple((0, re.compile(each, re.DOTALL)) for each in parts))
    return None


def _pieces(key: str, pattern: str) -> Pieces:
    """The pieces of a regular expression of literals, classes and `.*`."""
    parts, gap, at = [], 0, 0
    piece = ""
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if not token or (not token[1] and pattern[token.end() : token.end() + 1] in tuple("*+?{")):
            raise SearchError(f"{key}: only literals, classes and .* are taken in an expression.")
        if token[1]:
            parts.append((gap, piece))
            piece, gap = "", int("+" in token[1])
        else:
            piece += token[0]
        at = token.end()
    try:
        return Pieces(
            tuple(
                (least, re.compile(each, re.IGNORECASE | re.DOTALL))
                for least, each in (*parts, (gap, piece))
            )
        )
    except re.error as error:
        raise SearchError(f"{key}: no regular expression ({error}).") from error


def meets(wanted: Condition, alert: Alert) -> Met:
    """Whether an alert meets a condition: False by the first item that is false, else unknown by
    the first that is not known, else True, by the item that is hardest to feign."""
    unknown = ""
    held: list[Met] = []
    for item in wanted:
        met = _meets(item, alert)
        if met.truth is False:
            return met
        if met.truth is None:
            unknown = unknown or met.because
        held.append(met)
    if unknown:
        return Met(None, unknown)
    best = next((met for met in held if met.beyond), held[0] if held else Met(True, ""))
    return best


def _meets(item: Item, alert: Alert) -> Met:
    values = alert.get(item.attribute)
    name = item.attribute.replace("_", " ")
    if not values:
        return Met(None, f"the alert does not say the {name}")
    undecided = False
    for value in values:
        truth = _compare(item, value)
        if truth:
            beyond = _is_beyond(item, value)
            return Met(True, f"{name} is {_short(value)}", beyond)
        undecided = undecided or truth is None
    if undecided:
        return Met(None, f"the alert does not say where {_short(values[0])} lies")
    return Met(False, f"{name} is {_short(values[0])}")


def _compare(item: Item, value: str) -> Truth:
    bare = False
    text = value.lower()
    if item.attribute in PATHS:
        text = folded(value)
        bare = not has_folder(text)
        text = "\\" + text if bare and "\\" not in text else text
    results = [
        _one(item.how, pattern, test, text, bare)
        for pattern, test in zip(item.patterns, item.tests)
    ]
    if item.every:
        return False if False in results else None if None in results else True
    return True if True in results else None if None in results else False


def _one(how: str, pattern: str, test: Any, text: str, bare: bool) -> Truth:
    if how == "contains":
        found = pattern in text
    elif how == "endswith":
        found = text.endswith(pattern)
    elif how == "startswith":
        found = text.startswith(pattern)
    elif how == "cidr":
        return _within(test, text)
    elif how == "re":
        found = test.are_in(text)
    else:
        found = test.are_in(text) if test else text.lstrip("\\") == pattern.lstrip("\\")
    if found or not bare:
        return found
    # Of a bare name only the name can be told to be another.
    name = pattern.rstrip("*").rpartition("\\")[2]
    if how in ("is", "endswith") and name and "*" not in name and not text.endswith(name):
        return False
    return None if "\\" in pattern.strip("\\") or how in ("startswith", "contains") else False


def _within(network: Any, text: str) -> Truth:
    from ipaddress import ip_address

    try:
        return ip_address(text) in network
    except ValueError:
        return None


def _is_beyond(item: Item, value: str) -> bool:
    if item.attribute in ("process", "parent"):
        path = folded(value)
        own = path.startswith(_SYSTEM) or program(path) in INTERPRETERS
        return beyond_reach(path) and not own
    if item.attribute in ("signer", "object_signer"):
        return True  # the reader leaves out those of which the log says that they are not valid
    if item.attribute in ("user", "actor_id"):
        return reserved_caller(value.lower())
    return item.attribute in ("invoked_by", "src_ip") and from_service(value)


def _short(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


class Anchor(NamedTuple):
    """What must stand in an alert, cheap to look for, for a condition to hold."""

    attribute: str
    literals: tuple[str, ...]
    """Folded; one of them stands in the attribute."""

    def is_in(self, alert: Alert) -> bool:
        """Whether one of them does: if not, the condition does not hold."""
        return self.is_among(self.texts_of(alert))

    def texts_of(self, alert: Alert) -> Sequence[str]:
        """The values of the attribute, folded as the literals are."""
        if self.attribute in PATHS:
            return ["\\" + folded(value) for value in alert.get(self.attribute)]
        return [value.lower() for value in alert.get(self.attribute)]

    def is_among(self, texts: Sequence[str]) -> bool:
        """Whether one of them stands in one of the attribute's `texts_of` an alert."""
        for text in texts:
            for literal in self.literals:
                if literal in text:
                    return True
        return False


def anchor(wanted: Condition) -> Anchor | None:
    """The anchor of the item with the longest literals; None for a condition without literals."""
    best: tuple[int, Anchor | None] = (0, None)
    for item in wanted:
        plain = item.how in ("contains", "endswith", "startswith") or (
            item.how == "is" and not any(item.tests)
        )
        literals = item.patterns[:1] if item.every else item.patterns
        literals = tuple(each.lstrip("\\") if item.how == "is" else each for each in literals)
        if plain and min(map(len, literals)) > best[0]:
            best = min(map(len, literals)), Anchor(item.attribute, literals)
    return best[1]
