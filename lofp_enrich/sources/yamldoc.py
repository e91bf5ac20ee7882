"""The one road by which YAML comes in: plain data with line numbers, at C speed.

Built from parser events, not from `yaml.compose`: libyaml's composer recurses in C, and a file of
a million `[` ends the process with a segmentation fault, which no `except` can catch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from lofp_enrich.errors import RuleError
from lofp_enrich.model import Location
from lofp_enrich.sources.fields import Items, RuleNode, fold

# Without libyaml PyYAML has only the other: ten times slower, the same events.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEPTH = 50
"""Levels of nesting; the deepest rule of the public repositories has 9."""
NODES = 100_000
"""Values in a file, each alias counted as all it stands for."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in "str int float bool null timestamp map seq".split()
) | {"!"}


class _Refused(Exception):
    """Well-formed YAML that no rule needs."""


def documents(text: str, path: str) -> Iterator[object]:
    """The documents of a YAML text: `RuleNode`, `Items`, str or None, down to the last value.

    Scalars stay text as written (`No`, `0x1F`, `2024-01-01`), only null is None: rules are read
    for their words, and "No" in a list of false positives is a word. Of two equal keys the last
    wins, as for PyYAML and so for all that reads these repositories.

    A document that is YAML but not plain data (a tag of a program, a list for a key) comes as a
    `RuleError`. Raises one, with its line, where the YAML is broken, nested more than `DEPTH`
    levels or more than `NODES` values.
    """
    try:
        yield from _Builder(text, path).documents()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        reason = fold(error.problem or error.context or "unreadable")
        raise RuleError(f"not YAML: {reason}", Location(path, line)) from error
    except yaml.reader.ReaderError as error:
        line = text.encode("utf-8", "replace")[: error.position].count(b"\n") + 1
        raise RuleError(f"not YAML: {error.reason}", Location(path, line)) from error
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise RuleError("not YAML: half a surrogate pair", Location(path, line)) from error


class _Builder:
    """Builds values from events; knows the anchors of the document and how much it has built."""

    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.next: Any = _Loader(text).get_event
        self.anchors: dict[str, tuple[object, int]] = {}
        self.nodes = 0

    def documents(self) -> Iterator[object]:
        while (event := self.next()) is not None:
            if type(event) is yaml.DocumentStartEvent:
                self.anchors = {}
                yield self.document()

    def document(self) -> object:
        try:
            return self.value(self.next(), 0)
        except _Refused as refused:
            message, line = refused.args
            self.skip_document()
            return RuleError(f"not plain YAML: {message}", Location(self.path, line))

    def skip_document(self) -> None:
        depth = 0
        while type(event := self.next()) is not yaml.DocumentEndEvent:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH:
                raise self.too_much(event, f"nested more than {DEPTH} levels deep")

    def value(self, event: Any, depth: int) -> object:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self.alias(event)
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            raise self.refused(event, f"the tag {event.tag} is not plain data")
        before = self.nodes
        found: object
        if kind is yaml.ScalarEvent:
            found = None if event.implicit[0] and event.value in _NULLS else event.value
        elif depth == DEPTH:
            raise self.too_much(event, f"nested more than {DEPTH} levels deep")
        elif kind is yaml.MappingStartEvent:
            found = self.table(event, depth + 1)
            self.count(len(found), event)
        else:
            found = self.items(depth + 1)
            self.count(len(found), event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (found, self.nodes - before)
        return found

    def items(self, depth: int) -> Items:
        items = Items()
        following, value, add, lines = self.next, self.value, items.append, items.lines
        while type(event := following()) is not yaml.SequenceEndEvent:
            lines.append(event.start_mark.line + 1)
            add(value(event, depth))
        return items

    def table(self, start: Any, depth: int) -> RuleNode:
        table = RuleNode(self.path, start.start_mark.line + 1)
        following, value, lines = self.next, self.value, table.lines
        while type(event := following()) is not yaml.MappingEndEvent:
            line = event.start_mark.line + 1
            if type(event) is not yaml.ScalarEvent:
                raise self.refused(event, "a key must be text")
            key = event.value
            lines[key] = line
            table[key] = value(following(), depth)
        if "<<" in table:
            self.merge(table, start)
        return table

    def count(self, number: int, event: Any) -> None:
        self.nodes += number
        if self.nodes > NODES:
            raise self.too_much(event, f"more than {NODES:,} values")

    def merge(self, table: RuleNode, start: Any) -> None:
        """Take over the keys of `<<: *base`; what the mapping says itself stays."""
        bases = table.pop("<<")
        for base in bases if isinstance(bases, Items) else [bases]:
            if not isinstance(base, RuleNode):
                raise self.refused(start, "<< takes a mapping or a list of them")
            for key, value in base.items():
                table.setdefault(key, value)
                table.lines.setdefault(key, base.lines[key])

    def alias(self, event: Any) -> object:
        """Give the value itself, not a copy; its size still counts, as readers walk it again.

        An anchor is known when its value is complete, so nothing can contain itself.
        """
        if event.anchor not in self.anchors:
            raise self.refused(event, f"the alias *{event.anchor} stands for nothing before it")
        value, size = self.anchors[event.anchor]
        self.count(size, event)
        return value

    def refused(self, event: Any, message: str) -> _Refused:
        return _Refused(message, event.start_mark.line + 1)

    def too_much(self, event: Any, message: str) -> RuleError:
        """For what the rest of the file is not read: libyaml takes ever longer the deeper it is."""
        return RuleError(
            f"not plain YAML: {message}", Location(self.path, event.start_mark.line + 1)
        )
