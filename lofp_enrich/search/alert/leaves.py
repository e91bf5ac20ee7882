"""An event as its leaves: every value with the name of the field that holds it.

Nested JSON, what Splunk makes of it (`a.b`, `a{}.b`, multivalue) and JSON inside strings give the
same leaves. The event is hostile: it costs no more than its first 64 kB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

MAX_TEXT = 65_536
"""Characters of an event that are read."""
MAX_NAME = 200
"""Characters of a field's name that are compared, from its end."""
MAX_LEAVES = 2_000
MAX_DEPTH = 24

_NOTHING = frozenset(
    ("", "-", "--", "null", "none", "n/a", "<na>", "nil", "unknown", "undefined", "(null)")
)
"""What products write where they have no value."""
_SPLUNKS = (
    *("_", "date_", "punct", "linecount", "splunk_server", "timestartpos", "timeendpos"),
    *("eventtype", "orig_eventtype", "tag", "orig_tag"),
)
"""Beginnings of the fields that Splunk adds to every event."""


class Leaf(NamedTuple):
    """A value of an event."""

    name: str
    """The field, with `{}` left out: `behaviors.technique_id`."""
    value: str
    depth: int
    """How many names stand above it."""
    of: int
    """Number of the object that it is a value of: the leaves beside it have the same."""


class Leaves:
    """Collects the leaves of an event until its first 64 kB are read."""

    def __init__(self) -> None:
        self.found: list[Leaf] = []
        self._left = MAX_TEXT
        self._objects = 0

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Adds the leaves of an event; `_raw` and what Splunk adds to every event are left out."""
        for name, value in event.items():
            name = name[-MAX_NAME:]
            if not name.startswith(_SPLUNKS) or name.startswith(("tags", "_source")):
                self._add(name.replace("{}", ""), value, name.count("."), 0)

    def _add(self, name: str, value: Any, depth: int, of: int) -> None:
        if self._left <= 0 or len(self.found) >= MAX_LEAVES or depth > MAX_DEPTH:
            return
        if isinstance(value, str):
            self._add_text(name, value, depth, of)
        elif isinstance(value, Mapping):
            self._objects += 1
            of = self._objects
            for key, each in value.items():
                key = str(key)[:200]
                self._add(f"{name}.{key}" if name else key, each, depth + 1, of)
        elif isinstance(value, Sequence):
            self._left -= len(value)  # nothing in many brackets is not for nothing
            for each in value:
                if self._left <= 0:
                    return
                self._add(name, each, depth + isinstance(each, (list, tuple)), of)
        elif value is not None and not isinstance(value, bool):
            self._add_text(name, str(value), depth, of)

    def _add_text(self, name: str, text: str, depth: int, of: int) -> None:
        text = text[: self._left]
        self._left -= len(text) + 1
        text = text.strip()
        if text.lower() in _NOTHING:
            return
        if text[0] in "[{" and text[-1] in "]}" and len(text) > 2:
            opened = opened_json(text)
            if isinstance(opened, (Mapping, list)):
                # What it says was counted already; brackets and blanks stay counted.
                self._left += len(text) // 2
                self._add(name, opened, depth + 1, of)
                return
        self.found.append(Leaf(name[-MAX_NAME:], text, depth, of))


def opened_json(text: str) -> Any:
    """What a text of JSON holds, None where it is none or nests too deep."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def named_values(leaves: Sequence[Leaf]) -> Iterator[Leaf]:
    """Leaves that say their own name: `{"Name": "Process Path", "Value": "C:\\..."}`."""
    names: dict[int, str] = {}
    for leaf in leaves:
        last = leaf.name.rpartition(".")[2].lower()
        if leaf.of and last in ("key", "name") and leaf.of not in names:
            names[leaf.of] = leaf.value[:100]
    for leaf in leaves:
        last = leaf.name.rpartition(".")[2].lower()
        if leaf.of in names and last in ("value", "values"):
            yield leaf._replace(name=f"{leaf.name.rpartition('.')[0]}.{names[leaf.of]}")
