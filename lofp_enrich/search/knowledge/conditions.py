"""Conditions of entries: what an alert must show for an explanation to fit it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from lofp_enrich.search.alert.detection import Anchor, Condition, anchor, condition
from lofp_enrich.search.alert.reader import Alert
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
    at_most: str = ""
    """`resembles` where the cause never fits."""


class Shortlist(NamedTuple):
    """Entries with conditions, so that an alert asks only those that it can meet."""

    by_software: Mapping[str, Sequence[str]]
    """Key of a product -> the entries that want it."""
    by_anchor: Sequence[tuple[Anchor | None, str]]
    """Of the others, what must stand in the alert, and the entry."""

    def of(self, alert: Alert, keys: Iterable[str]) -> list[str]:
        """The entries that an alert with these products may meet, each once."""
        found = [entry_id for key in keys for entry_id in self.by_software.get(key, ())]
        texts: dict[str, Sequence[str]] = {}
        for must, entry_id in self.by_anchor:
            if must is not None:
                # Many entries of a technique look into the same few attributes.
                if must.attribute not in texts:
                    texts[must.attribute] = must.texts_of(alert)
                if not must.is_among(texts[must.attribute]):
                    continue
            found.append(entry_id)
        return list(dict.fromkeys(found))


class ConditionsIndex:
    """The conditions of entries by id; each is compiled when it is first asked for."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._rows = {row["entry_id"]: row for row in rows}
        self._made: dict[str, EntryConditions | None] = {}
        self.excluded_by = {
            entry_id: frozenset(split_list(row["excluded_by"]))
            for entry_id, row in self._rows.items()
            if row.get("excluded_by")
        }
        """Entries that are what rules leave out -> the ids of these rules."""

    @classmethod
    def load(cls, directory: Path) -> ConditionsIndex:
        """Those in `directory`; none where an older set of lookups has no such file.

        Raises SearchError where the file is there and cannot be read.
        """
        path = directory / "lofp_evidence.csv"
        return cls(LookupFile(path, EVIDENCE).all_rows() if path.exists() else ())

    def shortlist(self, ids: Set[str]) -> Shortlist:
        """Those of some entries that have conditions, by what an alert must show for them."""
        by_software: dict[str, list[str]] = {}
        by_anchor: list[tuple[Anchor | None, str]] = []
        for entry_id in self._rows:
            wanted = self.of(entry_id) if entry_id in ids else None
            if wanted is None:
                continue
            for key in wanted.software:
                by_software.setdefault(key, []).append(entry_id)
            if not wanted.software:
                by_anchor.append((anchor(wanted.fits), entry_id))
        return Shortlist(by_software, by_anchor)

    def of(self, entry_id: str) -> EntryConditions | None:
        """The conditions of an entry, None where it has none or they cannot be read."""
        if entry_id not in self._rows:
            return None
        if entry_id not in self._made:
            try:
                self._made[entry_id] = _compiled(self._rows[entry_id])
            except (SearchError, ValueError, TypeError, AttributeError, RecursionError):
                self._made[entry_id] = None
        return self._made[entry_id]


def _compiled(row: Mapping[str, str]) -> EntryConditions:
    return EntryConditions(
        tuple(split_list(row["software"])),
        row["role"],
        condition(json.loads(row["fits"] or "{}")),
        tuple(condition(each) for each in json.loads(row["contradicts"] or "[]")),
        row.get("at_most", ""),
    )
