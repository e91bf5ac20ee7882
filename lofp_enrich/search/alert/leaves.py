"""An event as its leaves: every value with the name of the field that holds it.

Nested JSON, what Splunk makes of it (`a.b`, `a{}.b`, multivalue) and JSON inside strings give the
same leaves. A value beside its own name (`{"Name": "Process Path", "Value": "C:\\..."}`) has that
name. The event is hostile: it costs no more than its first 64 kB.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

MAX_TEXT = 65_536
"""Characters of an event that are read."""
MAX_NAME = 200
"""Characters of a field's name that are compared, from its end."""
MAX_LEAVES = 1_000
MAX_NAMES = 500
"""Different names of an event that are looked up, which is most of what it costs. Of 286 real
alerts the largest has 555 values under 379 names."""
MAX_DEPTH = 24
MAX_LAYOUTS = 256
"""Lists of an event's fields of which it is remembered what they are. The values of no two alerts
are the same, their fields are: those of one product's log."""

_NOTHING = frozenset(
    ("", *"- -- null none n/a <na> nil unknown undefined (null) not_translated".split())
)
"""What products write where they have no value; the last is the User of Splunk's Windows events."""
_LONGEST_NOTHING = max(map(len, _NOTHING))
_SPLUNKS = (
    *("_", "date_", "punct", "linecount", "splunk_server", "timestartpos", "timeendpos"),
    *("eventtype", "orig_eventtype", "tag", "orig_tag"),
)
"""Beginnings of the fields that Splunk adds to every event."""
_LABELS = ("key", "name", "@name")
_LABELLED = ("value", "values", "#text")
"""How products call a name and its value; with `@` and `#` where they made JSON of XML."""
_BESIDE = frozenset((*_LABELS, *_LABELLED, "type", "id", "@odata.type"))
"""What an object holds that is nothing but a name with its value."""
_LAST = re.compile(r"(?:\.[^.{}]*|\{@\w+\})$")
_ATTRIBUTE = "{@name}"
"""How Splunk's spath names the attributes of XML: `Data{@Name}` beside the text of `Data`."""
_LABEL_ENDS = (*(f".{label}" for label in _LABELS), _ATTRIBUTE)


class Leaf(NamedTuple):
    """A value of an event."""

    name: str
    """The field, with `{}` left out: `behaviors.technique_id`."""
    value: str
    depth: int
    """How many names stand above it."""
    of: int
    """Number of the object that it is a value of: the leaves beside it have the same."""


def names_of(leaves: Iterable[Leaf]) -> tuple[str, ...]:
    """The fields of leaves, one for each: what they are is the same for all events of a product."""
    return tuple(map(_NAME_OF, leaves))


_NAME_OF = itemgetter(0)
_new = tuple.__new__
"""Makes a Leaf in half the time that calling it takes: an event has dozens."""


class _Layout(NamedTuple):
    """What the names of an event's fields say, whatever their values."""

    fields: tuple[tuple[str, int], ...]
    """Each as `_shortened` has it."""
    has_labels: bool
    """Some may hold the names of what others hold."""


class Leaves:
    """Collects the leaves of an event until its first 64 kB are read."""

    def __init__(self) -> None:
        self.found: list[Leaf] = []
        self._left = MAX_TEXT
        self._objects = 0
        self._names: set[str] = set()

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Adds the leaves of an event; `_raw` and what Splunk adds to every event are left out."""
        # Splunk gives an event the columns of all others in its chunk, empty.
        held = {name: value for name, value in event.items() if value != "" and value is not None}
        if len(held) > MAX_LEAVES:
            held = dict(itertools.islice(held.items(), MAX_LEAVES))
        layout = _layout(tuple(held))
        labelled, labels = _columns(held) if layout.has_labels else ({}, set())
        for (short, depth), (name, value) in zip(layout.fields, held.items()):
            if depth < 0 or name in labels:
                continue
            if name in labelled:
                above, names = labelled[name]
                for label, each in zip(names, _listed(value)):
                    self._add(_under(above, label), each, depth, 0)
                continue
            if isinstance(value, tuple) and len(value) == 1:
                value = value[0]  # as the search command has every value
                self._left -= 1
            if not isinstance(value, str):
                self._add(short, value, depth, 0)
            elif self._left > 0 and len(self.found) < MAX_LEAVES:
                self._add_text(short, value, depth, 0)

    def _add(self, name: str, value: Any, depth: int, of: int) -> None:
        if self._left <= 0 or len(self.found) >= MAX_LEAVES or depth > MAX_DEPTH:
            return
        if isinstance(value, str):
            self._add_text(name, value, depth, of)
        elif isinstance(value, Mapping):
            self._objects += 1
            of = self._objects
            keys = {str(key).lower(): key for key in value}
            label, labelled = _first(_LABELS, keys), _first(_LABELLED, keys)
            said = value[keys[label]] if label and labelled else None
            for key, each in value.items():
                lower = str(key).lower()
                if isinstance(said, str) and lower == labelled:
                    self._add(_under(name, said), each, depth + 1, of)
                elif not (isinstance(said, str) and lower in _LABELS and keys.keys() <= _BESIDE):
                    self._add(_under(name, str(key)), each, depth + 1, of)
        elif isinstance(value, Sequence):
            self._left -= len(value)  # nothing in many brackets is not for nothing
            for each in value:
                if self._left <= 0:
                    return
                self._add(name, each, depth + isinstance(each, (list, tuple)), of)
        elif value is not None and not isinstance(value, bool):
            self._add_text(name, str(value), depth, of)

    def _add_text(self, name: str, text: str, depth: int, of: int) -> None:
        if len(text) > self._left:
            text = text[: self._left]
        self._left -= len(text) + 1
        text = text.strip()
        if len(text) <= _LONGEST_NOTHING and text.lower() in _NOTHING:
            return
        if text[0] in "[{" and text[-1] in "]}" and len(text) > 2:
            opened = opened_json(text)
            if isinstance(opened, (Mapping, list)):
                # What it says was counted already; brackets and blanks stay counted.
                self._left += len(text) // 2
                self._add(name, opened, depth + 1, of)
                return
        if len(name) > MAX_NAME:
            name = name[-MAX_NAME:]
        if len(self._names) < MAX_NAMES:
            self._names.add(name)
        elif name not in self._names:
            return
        self.found.append(_new(Leaf, (name, text, depth, of)))


@lru_cache(maxsize=MAX_LAYOUTS)
def _layout(fields: tuple[str, ...]) -> _Layout:
    has_labels = any(name.lower().endswith(_LABEL_ENDS) for name in fields)
    return _Layout(tuple(map(_shortened, fields)), has_labels)


@lru_cache(maxsize=5_000)
def _shortened(name: str) -> tuple[str, int]:
    """A field's name as leaves have it, and how deep it lies; -1 for what Splunk adds itself."""
    if name.startswith(_SPLUNKS) and not name.startswith(("tags", "_source")):
        return "", -1
    short = name[-MAX_NAME:].replace("{}", "")
    return short, short.count(".")


def opened_json(text: str) -> Any:
    """What a text of JSON holds, None where it is none or nests too deep."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _under(above: str, name: str) -> str:
    return f"{above}.{name[:MAX_NAME]}" if above else name[:MAX_NAME]


def _first(names: Iterable[str], held: Container[str]) -> str:
    return next((name for name in names if name in held), "")


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else (value,)


def _columns(event: Mapping[str, Any]) -> tuple[dict[str, tuple[str, list[str]]], set[str]]:
    """The names and values that Splunk has put into two fields, `a{}.Name` and `a{}.Value`.

    Field with the values -> what stands above it, and the names of these in order; and the fields
    that hold nothing but such names. Where one of the two has more values, nobody knows which
    belong together.
    """
    below: dict[str, dict[str, str]] = {}
    for name in event:
        above, dot, last = name.lower().rpartition(".")
        if name.lower().endswith(_ATTRIBUTE):
            element = name[: -len(_ATTRIBUTE)]
            below[element.lower()] = {
                "@name": name,
                **({"#text": element} if element in event else {}),
            }
        elif dot:
            below.setdefault(above, {})[last] = name
    found: dict[str, tuple[str, list[str]]] = {}
    labels: set[str] = set()
    for names in below.values():
        label, labelled = _first(_LABELS, names), _first(_LABELLED, names)
        if not label or not labelled:
            continue
        said, held = _listed(event[names[label]]), _listed(event[names[labelled]])
        if len(said) == len(held) and all(isinstance(each, str) for each in said):
            above = _LAST.sub("", names[label]).replace("{}", "")[-MAX_NAME:]
            found[names[labelled]] = above, list(said)
        if names.keys() <= _BESIDE:
            labels.update(names[each] for each in _LABELS if each in names)
    return found, labels
