"""The catalogue as the command reads it: which entries a technique has, what a rule states."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from lofp_enrich.search.attack import Attack, parent
from lofp_enrich.search.knowledge.columns import ENTRIES, RANKING, RULES, split_list
from lofp_enrich.search.knowledge.family import Family
from lofp_enrich.search.knowledge.lookupfile import LookupFile


class EntryRow(NamedTuple):
    """A row of `lofp_entries.csv`, lists and numbers as such."""

    entry_id: str
    statement: str
    kind: str
    generated: str
    check: str
    techniques: tuple[str, ...]
    products: frozenset[str]
    sources: tuple[str, ...]
    """The cited rule's source first."""
    rule_count: int
    rule_title: str
    author: str
    license: str
    url: str
    terms: str
    """`stem:weight`, joined with `|`: what the entry is most about."""


class RuleRow(NamedTuple):
    """A row of `lofp_rules.csv`, as far as an answer needs it."""

    rule_key: str
    source: str
    rule_title: str
    author: str
    url: str
    entry_ids: tuple[str, ...]


class LookupIndex:
    """`family`, `rules` and `entry` of the catalogue in a lookups folder; nothing is read twice."""

    def __init__(
        self, attack: Attack, ranking: LookupFile, entries: LookupFile, rules: LookupFile
    ) -> None:
        self.attack = attack
        self._ranking_file = ranking
        self._entry_file = entries
        self._rule_file = rules
        self._families: dict[str, Family] = {}
        self._entries: dict[str, EntryRow | None] = {}
        self._rules: dict[str, tuple[RuleRow, ...]] = {}

    @classmethod
    def load(cls, directory: Path) -> LookupIndex:
        """Opens the lookups in `directory`; raises SearchError naming the file that is amiss."""
        return cls(
            Attack.load(directory / "lofp_attack.csv"),
            LookupFile(directory / "lofp_ranking.csv", RANKING),
            LookupFile(directory / "lofp_entries.csv", ENTRIES),
            LookupFile(directory / "lofp_rules.csv", RULES),
        )

    @property
    def damaged(self) -> list[str]:
        """One sentence for every file in which rows had to be passed over so far."""
        files = (self._ranking_file, self._entry_file, self._rule_file)
        return [
            f"{file.name} has rows with too few or too many cells, which are passed over; "
            "install the app again or run lofp-enrich build."
            for file in files
            if file.damaged
        ]

    def family(self, technique: str) -> Family:
        """The entries of the technique that `technique` is or belongs to."""
        base = parent(technique)
        if base not in self._families:
            rows = self._ranking_file.by_first_cell(base)
            self._families[base] = Family(cells[1:] for cells in rows)
        return self._families[base]

    def rules(self, key: str) -> tuple[RuleRow, ...]:
        """The rules with this folded title (`names.rule_key`)."""
        if key not in self._rules:
            self._rules[key] = tuple(map(_rule_row, self._rule_file.by_first_cell(key)))
        return self._rules[key]

    def entry(self, entry_id: str) -> EntryRow | None:
        """The entry with this id, None where the catalogue has none."""
        if entry_id not in self._entries:
            rows = map(_entry_row, self._entry_file.by_first_cell(entry_id))
            self._entries[entry_id] = next(rows, None)
        return self._entries[entry_id]


def _entry_row(cells: list[str]) -> EntryRow:
    row = dict(zip(ENTRIES, cells))
    return EntryRow(
        row["entry_id"],
        row["statement"],
        row["kind"],
        row["generated"],
        row["check"],
        tuple(split_list(row["techniques"])),
        frozenset(split_list(row["products"])),
        tuple(split_list(row["sources"])),
        _whole(row["rule_count"]),
        row["rule_title"],
        row["author"],
        row["license"],
        row["url"],
        row["terms"],
    )


def _rule_row(cells: list[str]) -> RuleRow:
    row = dict(zip(RULES, cells))
    return RuleRow(
        row["rule_key"],
        row["source"],
        row["rule_title"],
        row["author"],
        row["url"],
        tuple(split_list(row["entry_ids"])),
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
