"""The catalogue as the command reads it: which entries a technique has, what a rule states."""

from __future__ import annotations

from collections.abc import Set
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
    against: str
    techniques: tuple[str, ...]
    products: frozenset[str]
    software: tuple[str, ...]
    """Keys of the software that does it."""
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
    """The explanations that it states, the best first; none where it has but a technique."""
    rule_id: str
    techniques: tuple[str, ...]
    products: frozenset[str]


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
        self._rules: dict[tuple[str, bool], tuple[RuleRow, ...]] = {}

    @classmethod
    def load(cls, directory: Path) -> LookupIndex:
        """Opens the lookups in `directory`; raises SearchError naming the file that is amiss."""
        return cls(
            Attack.load(directory / "lofp_attack.csv"),
            LookupFile(directory / "lofp_ranking.csv", RANKING),
            LookupFile(directory / "lofp_entries.csv", ENTRIES),
            LookupFile(directory / "lofp_rules.csv", RULES, second="rule_id"),
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

    @property
    def size(self) -> int:
        """How many entries the catalogue has."""
        return len(self._entry_file)

    def lacking(self, column: str, names: Set[str]) -> tuple[Set[str], Set[str]]:
        """Which of `names` no entry has in a list column, and if any, all that the entries have.

        Goes through the entries as far as it takes to find them all.
        """
        there: set[str] = set()
        for cell in self._entry_file.cells(column) if names else ():
            there.update(split_list(cell))
            if there >= names:
                return frozenset(), there
        return names - there, there

    def family(self, technique: str) -> Family:
        """The entries of the technique that `technique` is or belongs to."""
        base = parent(technique)
        if base not in self._families:
            rows = self._ranking_file.by_first_cell(base)
            self._families[base] = Family(cells[1:] for cells in rows)
        return self._families[base]

    def rules(self, key: str) -> tuple[RuleRow, ...]:
        """The rules with this folded title (`names.rule_key`)."""
        return self._found(key, by_id=False)

    def rule_by_id(self, rule_id: str) -> tuple[RuleRow, ...]:
        """The rules with this id, in any case: two where a fork or a clone kept it."""
        return self._found(rule_id.lower(), by_id=True)

    def _found(self, key: str, *, by_id: bool) -> tuple[RuleRow, ...]:
        if (key, by_id) in self._rules:
            return self._rules[key, by_id]
        file = self._rule_file
        found = tuple(map(_rule_row, (file.by_second_cell if by_id else file.by_first_cell)(key)))
        if found:  # alerts have no end of names that no rule has; there is none to read for those
            self._rules[key, by_id] = found
        return found

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
        row["against"],
        tuple(split_list(row["techniques"])),
        frozenset(split_list(row["products"])),
        tuple(split_list(row["software"])),
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
        row["rule_id"],
        tuple(split_list(row["techniques"])),
        frozenset(split_list(row["products"])),
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
