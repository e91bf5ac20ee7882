"""From named sources to a catalogue: what `build`, `check` and `refresh` have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Optional

from lofp_enrich.catalogue import exclusions, software, stix
from lofp_enrich.catalogue.kinds import kind_of
from lofp_enrich.catalogue.lookups import Origin
from lofp_enrich.catalogue.merge import merge
from lofp_enrich.catalogue.model import Catalogue
from lofp_enrich.catalogue.products import join
from lofp_enrich.search.answer.options import STATED
from lofp_enrich.search.attack import Attack
from lofp_enrich.snapshots.cache import required
from lofp_enrich.sources import Reading, read, starter

ATTACK = Path(__file__).parent / "data" / "attack.csv"

Named = tuple[str, Optional[Path]]
"""A source and where it lies; without a path, the snapshot that `fetch` brought."""


class Built(NamedTuple):
    """What was read and what became of it."""

    readings: tuple[Reading, ...]
    catalogue: Catalogue
    origins: frozenset[Origin]
    attack: Attack
    software: Counter[str]
    """What became of the products that sources know, as `Joined.counts`; empty without any."""


def read_and_merge(
    sources: Sequence[Named],
    cache: Path,
    *,
    with_starter: bool = True,
    notes: bool = True,
    deprecated: bool = False,
) -> Built:
    """Reads the sources and merges their rules into a catalogue.

    `attack` without a path is no rule source: it takes the ATT&CK table from the snapshot.
    Raises LofpError where a path holds nothing or no snapshot was fetched.
    """
    readings = [starter()] if with_starter else []
    origins = {Origin(each.source, each.commit) for each in readings}
    attack = Attack.load(ATTACK)
    for name, path in sources:
        found = None if path else required(name, cache)
        if found and name == "attack":
            attack = Attack(stix.rows(found.path, attack.rows.values()))
            origins.add(Origin(name, found.commit, found.date))
            continue
        where = path or (found.path if found else Path())
        reading = read(name, where, notes=notes, deprecated=deprecated)
        readings.append(reading)
        origins.add(Origin(name, reading.commit, found.date if found else ""))
    rules = [rule for reading in readings for rule in reading.rules]
    if not any(rule.product for rule in rules):
        return Built(tuple(readings), merge(rules, attack), frozenset(origins), attack, Counter())
    joined = join(software.products(), rules)
    catalogue = replace(merge(joined.rules, attack), products=joined.products)
    return Built(tuple(readings), catalogue, frozenset(origins), attack, joined.counts)


def counts_of(reading: Reading) -> dict[str, Any]:
    """What a source gave, by the names that `--json` has for it."""
    stated = [fp for rule in reading.rules for fp in rule.falsepositives]
    kinds = Counter(kind_of(fp.text) for fp in stated)
    return {
        "source": reading.source,
        "files": reading.files,
        "rules": len(reading.rules),
        "left_out": reading.left_out,
        "statements": len(stated),
        "from_notes": sum(fp.note for fp in stated),
        **{kind: kinds[kind] for kind in (*STATED, "placeholder")},
        "with_technique": sum(len(r.falsepositives) for r in reading.rules if r.techniques),
        "exclusions": sum(len(rule.exclusions) for rule in reading.rules),
        "translated": sum(len(exclusions.statements(rule)) for rule in reading.rules),
        "techniques": len({each for rule in reading.rules for each in rule.techniques}),
        "unread": len(reading.errors),
    }


def namesakes(catalogue: Catalogue) -> list[str]:
    """A sentence on each source that has one id for rules of different titles; none is lost."""
    titles: dict[tuple[str, str], list[str]] = {}
    for rule in catalogue.rules:
        titles.setdefault((rule.source, rule.id), []).append(rule.title)
    shared = {key: found for key, found in titles.items() if len(found) > 1}
    sentences = []
    for source in dict.fromkeys(source for source, _ in shared):
        ids = [id for of, id in shared if of == source]
        one, other = shared[source, ids[0]][:2]
        sentences.append(
            f"{source}: {len(ids):,} {'id is' if len(ids) == 1 else 'ids are'} shared by rules of "
            f'different titles, such as {ids[0]} by "{one}" and "{other}"; all of them are kept. '
            "Give each rule an id of its own."
        )
    return sentences


def silence(reading: Reading) -> str:
    """What is amiss with a source that could be read and says nothing; empty where all is well.

    Layouts change without notice: a source that had techniques and has none says so the same day.
    """
    if not reading.rules and not reading.errors:
        return f"{reading.source}: no rule was found; is this the right folder or archive?"
    told = [rule for rule in reading.rules if rule.falsepositives]
    if told and not any(rule.techniques for rule in told):
        return (
            f"{reading.source}: no statement has a technique; the layout of its rules must have "
            "changed. Run lofp-enrich check on an older snapshot to compare."
        )
    return ""
