"""Which techniques an alert names, in whatever field and form it names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from lofp_enrich.search.alert.fields import words_of
from lofp_enrich.search.alert.leaves import MAX_LAYOUTS, Leaf, names_of
from lofp_enrich.search.attack import Attack

MAX_TECHNIQUES = 50
"""An alert with more techniques than this says nothing by them; the first ones are used."""

_MAX_TEXT = 65_536
"""Characters of one value that are searched for IDs: a value is a list of IDs, not a log."""
_MAX_NAME = 120
"""Characters of ATT&CK's longest name are 60; its tactic or parent may stand before it."""

_FLAGS = re.IGNORECASE | re.ASCII
_ID = re.compile(
    r"(?<![a-z0-9])(?:(aml)[._])?t([0-9]{4})(?:[._/:\-]([0-9]{3}))?(?![a-z0-9])", _FLAGS
)
_HINT = re.compile(r"[tT][0-9]{4}")
_SEPARATOR = re.compile(r"[,;|\n]+")

_TECHNIQUE = frozenset(("technique", "techniques", "subtechnique", "ttp", "ttps"))
_ATTACK = frozenset(("mitre", "attack", "attck", "annotations", "tags", "tag"))
"""Words of a field that may hold IDs beside other things."""
_TACTIC = frozenset(("tactic", "tactics"))
_ID_WORDS = frozenset(("id", "ids", "uid"))
_NOT_NAMES = frozenset(("url", "reference", "references", "link", "version", "description", "desc"))


class Named(NamedTuple):
    """A technique that an alert names."""

    technique: str
    """Its current ID."""
    written: str
    """As the alert has it: an ID of any version, or a name."""
    field: str


class _Field(NamedTuple):
    """A value of a field that is there for techniques."""

    leaf: Leaf
    kind: str
    """`technique` or `id`."""
    ids: Sequence[str]
    """Those in it."""


@lru_cache(maxsize=5_000)
def _field_kind(name: str) -> str:
    """`technique` for a field that is there for techniques, `id` for their ids, `attack` for one
    that may hold IDs, `` for any other."""
    words = words_of(name)
    held = frozenset(words)
    if words and words[-1] in _TACTIC and not held & _TECHNIQUE:
        return ""
    if held & _TECHNIQUE and not held & _NOT_NAMES:
        if _TACTIC & held and words[-1] in ("id", "name", "uid") and words[-2] in _TACTIC:
            return ""
        return "id" if words[-1] in _ID_WORDS else "technique"
    if "mitre" in held or held >= {"attack", "id"} or held >= {"annotations", "attack"}:
        return "technique" if words[-1] in ("attack", "mitre") else "attack"
    return "attack" if held & _ATTACK else ""


def ids_in(text: str) -> list[str]:
    """ATT&CK and ATLAS IDs in any text, JSON or tag form, upper case, in order, each once.

    `TA0002` (a tactic) and `CST0002` (CrowdStrike's own) are no technique.
    """
    if not _HINT.search(text):
        return []
    found: dict[str, None] = {}
    for atlas, base, sub in _ID.findall(text[:_MAX_TEXT]):
        found[f"{'AML.' if atlas else ''}T{base}{'.' + sub if sub else ''}"] = None
    return list(found)


def techniques_of(leaves: Sequence[Leaf], attack: Attack) -> list[Named]:
    """The techniques that an alert names, at most 50.

    IDs in fields named for them; where there is none, names there; where there is none, IDs that
    ATT&CK knows, as whole words anywhere in the event.
    """
    for_them, beside_others = _places(names_of(leaves))
    named = [_Field(leaves[at], kind, ids_in(leaves[at].value)) for at, kind in for_them]
    perhaps = [leaves[at] for at in beside_others]
    # In a field that is there for techniques, one of ATT&CK's other matrices is one, too.
    found = _ids(((each.leaf, each.ids) for each in named), attack, known=False)
    found = {**found, **_ids(_with_ids(perhaps), attack)}
    # A list may hold names beside IDs; a name in a field of its own says an ID's field once more.
    mixed = {each.leaf.name for each in named if each.ids} if found else frozenset()
    beside = [each for each in named if not found or each.leaf.name in mixed]
    for technique, each in _names(beside, attack).items():
        found.setdefault(technique, each)
    return list((found or _ids(_with_ids(leaves), attack)).values())[:MAX_TECHNIQUES]


@lru_cache(maxsize=MAX_LAYOUTS)
def _places(fields: tuple[str, ...]) -> tuple[tuple[tuple[int, str], ...], tuple[int, ...]]:
    """Where the fields are that are there for techniques, with their kind, and those that may
    hold some beside other things."""
    kinds = [(at, _field_kind(name)) for at, name in enumerate(fields)]
    for_them = tuple((at, kind) for at, kind in kinds if kind in ("technique", "id"))
    return for_them, tuple(at for at, kind in kinds if kind == "attack")


def as_techniques(values: Iterable[str]) -> list[Leaf]:
    """What somebody says are techniques, as `techniques_of` reads it: IDs, names, lists of them."""
    return [Leaf("technique", value, 0, 0) for value in values]


def _with_ids(leaves: Iterable[Leaf]) -> Iterator[tuple[Leaf, Sequence[str]]]:
    return ((leaf, ids_in(leaf.value)) for leaf in leaves)


def _ids(
    leaves: Iterable[tuple[Leaf, Sequence[str]]], attack: Attack, known: bool = True
) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for leaf, ids in leaves:
        for written in ids:
            technique = _known(written, attack) if known else written
            if technique:
                current = attack.current(technique)
                found.setdefault(current, Named(current, technique, leaf.name))
                if len(found) >= MAX_TECHNIQUES:
                    return found
    return found


def _known(written: str, attack: Attack) -> str:
    """The ID if ATT&CK has it; ATLAS's are not in the table; of `T1059.999` the technique."""
    if written in attack.rows or written.startswith("AML."):
        return written
    base = written.partition(".")[0]
    return base if base in attack.rows else ""


def _names(fields: Sequence[_Field], attack: Attack) -> dict[str, Named]:
    # A vendor's own technique has a vendor's own id beside it: its name means something else.
    own = {(_above(each.leaf.name), each.leaf.of) for each in fields if each.kind == "id"}
    found: dict[str, Named] = {}
    for leaf, kind, ids in fields:
        if ids:
            continue
        if kind == "id" or (_above(leaf.name), leaf.of) not in own:
            for name in (leaf.value, *_SEPARATOR.split(leaf.value[:_MAX_TEXT])):
                techniques = attack.by_name(name.strip(" []'\"")) if len(name) < _MAX_NAME else ()
                for technique in techniques:
                    written = name.strip(" []'\"")
                    found.setdefault(technique, Named(technique, written, leaf.name))
                if len(found) >= MAX_TECHNIQUES:
                    return found
    return found


def _above(name: str) -> str:
    return name.rpartition(".")[0]
