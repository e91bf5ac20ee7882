"""Which techniques an alert names, in whatever field and form it names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from lofp_enrich.search.alert.fields import words_of
from lofp_enrich.search.alert.leaves import Leaf
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
    kinds = [(leaf, _field_kind(leaf.name)) for leaf in leaves]
    named = [leaf for leaf, kind in kinds if kind in ("technique", "id")]
    perhaps = [leaf for leaf, kind in kinds if kind == "attack"]
    # In a field that is there for techniques, one of ATT&CK's other matrices is one, too.
    found = {**_ids(named, attack, known=False), **_ids(perhaps, attack)}
    # A list may hold names beside IDs; a name in a field of its own says an ID's field once more.
    mixed = {leaf.name for leaf in named if ids_in(leaf.value)} if found else frozenset()
    beside = [(leaf, kind) for leaf, kind in kinds if not found or leaf.name in mixed]
    for technique, each in _names(beside, attack).items():
        found.setdefault(technique, each)
    return list((found or _ids(leaves, attack)).values())[:MAX_TECHNIQUES]


def as_techniques(values: Iterable[str]) -> list[Leaf]:
    """What somebody says are techniques, as `techniques_of` reads it: IDs, names, lists of them."""
    return [Leaf("technique", value, 0, 0) for value in values]


def _ids(leaves: Iterable[Leaf], attack: Attack, known: bool = True) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for leaf in leaves:
        for written in ids_in(leaf.value):
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


def _names(kinds: Iterable[tuple[Leaf, str]], attack: Attack) -> dict[str, Named]:
    pairs = list(kinds)
    # A vendor's own technique has a vendor's own id beside it: its name means something else.
    own = {(_above(leaf.name), leaf.of) for leaf, kind in pairs if kind == "id"}
    found: dict[str, Named] = {}
    for leaf, kind in pairs:
        if ids_in(leaf.value):
            continue
        if kind == "id" or (kind == "technique" and (_above(leaf.name), leaf.of) not in own):
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
