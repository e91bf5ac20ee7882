"""Conditions of entries: what an alert must show for an explanation to fit it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import NamedTuple

from lofp_enrich.search.alert.detection import Condition, condition
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import EVIDENCE, split_list
from lofp_enrich.search.knowledge.lookupfile import LookupFile


class EntryConditions(NamedTuple):
    """A row of `lofp_evidence.csv`, compiled."""

    software: tuple[str, ...]
    role: str
    fits: Condition
    contradicts: tuple[Condition, ...]
    """Each alone speaks against the cause."""


class ConditionsIndex:
    """The conditions of entries by id; each is compiled when it is first asked for."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._rows = {row["entry_id"]: row for row in rows}
        self._made: dict[str, EntryConditions | None] = {}

    @classmethod
    def load(cls, directory: Path) -> ConditionsIndex:
        """Those in `directory`; none where an older set of lookups has no such file.

        Raises SearchError where the file is there and cannot be read.
        """
        path = directory / "lofp_evidence.csv"
        return cls(LookupFile(path, EVIDENCE).all_rows() if path.exists() else ())

    def among(self, ids: Set[str]) -> list[str]:
        """Those of some entries that have conditions, in the order of the file."""
        return [entry_id for entry_id in self._rows if entry_id in ids]

    def of(self, entry_id: str) -> EntryConditions | None:
        """The conditions of an entry, None where it has none or they cannot be read."""
        if entry_id not in self._rows:
            return None
        if entry_id not in self._made:
            try:
                self._made[entry_id] = _compiled(self._rows[entry_id])
            except (SearchError, ValueError, TypeError, AttributeError):
                self._made[entry_id] = None
        return self._made[entry_id]


def _compiled(row: Mapping[str, str]) -> EntryConditions:
    return EntryConditions(
        tuple(split_list(row["software"])),
        row["role"],
        condition(json.loads(row["fits"] or "{}")),
        tuple(condition(each) for each in json.loads(row["contradicts"] or "[]")),
    )
