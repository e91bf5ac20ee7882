"""Typed reads of a rule's keys: each gives what it promises, or an error that knows the line."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from typing import Callable, TypeVar

from lofp_enrich.errors import RuleError, plain
from lofp_enrich.model import Location, Rule

DESCRIPTION_CHARS = 1000
TERMS = 60
TERM_CHARS = 200

Part = TypeVar("Part")

# IDs as people write them: attack.t1059.001, T1059_001, attack.tT1555.003, ATT&CK.T1036, AML.T0051.
# With a fifth digit it is a typing error that nobody can mend (attack.t11134), and no ID.
_ID = re.compile(r"(?<![a-z0-9])(aml[._])?t{1,2}(\d{4})(?!\d)(?:[._](\d{3})(?!\d))?", re.IGNORECASE)


class RuleNode(dict[str, object]):
    """A mapping of a rule file that knows where it stands and on which line each key does."""

    def __init__(self, path: str, line: int = 0) -> None:
        super().__init__()
        self.path = path
        self.line = line
        self.lines: dict[str, int] = {}

    def at(self, key: str = "") -> Location:
        """Where a key stands; where the mapping does for no key, or for one that is not there."""
        return Location(self.path, self.lines.get(key, self.line))


class Items(list[object]):
    """A list of a rule file that knows the line of each item."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


def each(
    make: Callable[[Part], Rule | None], parts: Iterable[Part | RuleError]
) -> Iterator[Rule | RuleError]:
    """Make a rule of each part of a file; what can't be read comes as a value and costs no other.

    This is the one place that catches `RuleError`. A part that is no rule gives None and nothing.
    """
    remaining = iter(parts)
    while True:
        # A generator that raised is finished: the next turn of this loop ends it.
        try:
            part = next(remaining)
            rule = part if isinstance(part, RuleError) else make(part)
        except StopIteration:
            return
        except RuleError as error:
            # Its traceback would keep the whole document in memory as long as the error lives.
            error.__cause__ = error.__context__ = None
            yield error.with_traceback(None)
        else:
            if rule is not None:
                yield rule


def text(table: RuleNode, key: str, required: bool = False) -> str:
    """The text under a key, white space folded; empty where it is absent or null.

    Raises `RuleError` for a list or a mapping, and where a required text is missing.
    """
    found = fold(raw(table, key))
    if required and not found:
        raise RuleError("missing", table.at(key), key)
    return found


def raw(table: RuleNode, key: str) -> str:
    """As `text`, with its white space: where line breaks mean something.

    Raises `RuleError` for a list or a mapping.
    """
    value = _value(table, key)
    found = "" if value is None else _plain(value)
    if found is None:
        raise RuleError(f"expected text, found {_name(value)}", table.at(key), key)
    return found


def loose(table: RuleNode, key: str) -> str:
    """The text under a key that only helps, a list joined by `|`; empty for what is no text.

    A rule's level or log source ranks its statements: an odd one must not cost them.
    """
    value = _value(table, key)
    found = (_plain(item) for item in (value if isinstance(value, list) else [value]))
    return "|".join(filter(None, (fold(each or "") for each in found)))


def texts(table: RuleNode, key: str) -> tuple[str, ...]:
    """The texts under a key, each folded; one text or a one-key mapping counts as a list of one.

    Null and empty items are none. Raises `RuleError` for an item that is no text.
    """
    value = _value(table, key)
    if value is None:
        return ()
    items: list[object] = value if isinstance(value, list) else [value]
    lines = value.lines if isinstance(value, Items) else ()
    found = []
    for number, item in enumerate(items):
        statement = "" if item is None else _statement(item)
        if statement is None:
            line = lines[number] if number < len(lines) else table.at(key).line
            message = f"expected text, found {_name(item)}"
            raise RuleError(message, Location(table.path, line), key)
        if statement:
            found.append(statement)
    return tuple(found)


def mapping(table: RuleNode, key: str) -> RuleNode:
    """The mapping under a key; an empty one where it is absent or null.

    Raises `RuleError` for anything else.
    """
    value = _value(table, key)
    if value is None:
        return RuleNode(table.path, table.line)
    if not isinstance(value, RuleNode):
        raise RuleError(f"expected a mapping, found {_name(value)}", table.at(key), key)
    return value


def mappings(table: RuleNode, key: str) -> tuple[RuleNode, ...]:
    """The list of mappings under a key; none where it is absent or null, one for a bare mapping.

    Raises `RuleError` for anything else.
    """
    value = _value(table, key)
    items: list[object] = value if isinstance(value, list) else [value]
    found = []
    for item in items:
        if isinstance(item, RuleNode):
            found.append(item)
        elif item is not None:
            raise RuleError(f"expected a mapping, found {_name(item)}", table.at(key), key)
    return tuple(found)


def fold(value: str) -> str:
    """The text with every run of white space as one blank, none at the ends."""
    return " ".join(plain(value).split())


def technique_ids(values: Iterable[str]) -> tuple[str, ...]:
    """The ATT&CK and ATLAS IDs in texts, upper case, in order, each once; not looked up."""
    found: dict[str, None] = {}
    for value in values:
        for prefix, base, sub in _ID.findall(value):
            found[("AML.T" if prefix else "T") + base + (f".{sub}" if sub else "")] = None
    return tuple(found)


def description(table: RuleNode, key: str = "description") -> str:
    """The description of a rule, as `cut` gives it; a list counts as its texts."""
    value = _value(table, key)
    found = (_plain(item) for item in (value if isinstance(value, list) else [value]))
    return cut(" ".join(filter(None, found)))


def cut(value: str) -> str:
    """A text folded and cut at `DESCRIPTION_CHARS`: it only serves to compare words."""
    return fold(value)[:DESCRIPTION_CHARS].rstrip()


def terms(values: Iterable[str]) -> tuple[str, ...]:
    """The values that say something: folded, without wildcards at the ends, each once, capped."""
    found: dict[str, None] = {}
    for value in values:
        term = fold(value).strip("*% ")
        if 1 < len(term) <= TERM_CHARS and any(map(str.isalnum, term)):
            found[term] = None
            if len(found) == TERMS:
                break
    return tuple(found)


def _value(table: RuleNode, key: str) -> object:
    """None stands for null as for nothing. No other default: LoFP read a misspelt key for years."""
    return table.get(key)


def _plain(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, datetime.date, datetime.time)):
        return str(value)
    return None


def _statement(value: object) -> str | None:
    """Read `Other tools: Sysinternals`, which YAML takes for a mapping, as the text it was."""
    if isinstance(value, RuleNode) and len(value) == 1:
        ((key, item),) = value.items()
        rest = "" if item is None else _plain(item)
        return None if rest is None else fold(f"{key}: {rest}")
    found = _plain(value)
    return None if found is None else fold(found)


def _name(value: object) -> str:
    """Say what a value is in words of the file, not of Python."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else "text"
