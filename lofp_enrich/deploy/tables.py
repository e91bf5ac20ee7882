"""Lookup files as tables of rows, and how two of them differ."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lofp_enrich.errors import LofpError
from lofp_enrich.search.knowledge.columns import CATALOGUE

Row = tuple[str, ...]

_KEYS: Mapping[str, tuple[str, ...]] = {
    "lofp_attack.csv": ("technique",),
    "lofp_entries.csv": ("entry_id",),
    "lofp_evidence.csv": ("entry_id",),
    "lofp_meta.csv": ("source",),
    "lofp_ranking.csv": ("technique", "part"),
    "lofp_rules.csv": ("source", "rule_id"),
    "lofp_software.csv": ("software",),
    "lofp_techniques.csv": ("technique", "entry_id"),
}
"""What makes two rows the same row, changed."""
_NEEDED = ("lofp_attack.csv", "lofp_entries.csv", "lofp_meta.csv")
"""No catalogue is without these; of the starter entries alone, no rule is known."""


@dataclass(frozen=True)
class LookupRows:
    """The rows of a lookup file, in order. A row without any value is none."""

    name: str
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, name: str, rows: Iterable[Sequence[str]]) -> LookupRows:
        """A table of those rows that hold a value."""
        return cls(name, tuple(tuple(row) for row in rows if any(row)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that files of this name have."""
        return CATALOGUE[self.name]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all cells in order; that of another table differs."""
        sha256 = hashlib.sha256()
        for row in self.rows:
            sha256.update(json.dumps(row).encode() + b"\n")
        return sha256.hexdigest()


@dataclass(frozen=True)
class Change:
    """What becomes of one lookup file. Its text is one line for a person."""

    name: str
    added: int
    removed: int
    changed: int
    before: int
    """Rows."""
    after: int
    moved: bool = False
    """The rows are the same, in another order."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.moved)

    def __str__(self) -> str:
        if not self:
            return f"{self.name}: unchanged, {self.after:,} rows"
        if self.moved:
            return f"{self.name}: {self.after:,} rows in another order"
        return (
            f"{self.name}: {self.added:,} added, {self.removed:,} removed, {self.changed:,} "
            f"changed; {self.before:,} rows before, {self.after:,} after"
        )


def load(folder: Path) -> dict[str, LookupRows]:
    """The lookup files of a folder, as `build` writes them.

    Raises LofpError where one is missing, damaged or of another version of lofp-enrich, and where
    one that no catalogue is without has no rows: that would wipe the lookups in use.
    """
    tables = {name: load_file(folder / name) for name in CATALOGUE}
    for name in _NEEDED:
        if not tables[name].rows:
            raise LofpError(f"{folder / name} has no rows; run lofp-enrich build again.")
    return tables


def load_file(path: Path) -> LookupRows:
    """One lookup file. Raises LofpError where it is missing, damaged or of another version."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return LookupRows.of(path.name, _rows(path, csv.reader(file)))
    except OSError as error:
        raise LofpError(
            f"{path} cannot be read ({error.strerror}); run lofp-enrich build first."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LofpError(f"{path} is damaged ({error}); run lofp-enrich build again.") from error


def difference(old: LookupRows, new: LookupRows) -> Change:
    """What `new` adds to, removes from and changes in `old`."""
    before, after = _by_key(old), _by_key(new)
    added = removed = changed = 0
    for key in {**before, **after}:
        was, is_ = before.get(key, []), after.get(key, [])
        added += max(0, len(is_) - len(was))
        removed += max(0, len(was) - len(is_))
        changed += sum(one != other for one, other in zip(was, is_))
    moved = not (added or removed or changed) and old.digest != new.digest
    return Change(new.name, added, removed, changed, len(old.rows), len(new.rows), moved)


def _rows(path: Path, cells: Iterator[list[str]]) -> Iterator[list[str]]:
    expected = CATALOGUE[path.name]
    if tuple(next(cells, ())) != expected:
        raise LofpError(
            f"{path} has other columns than this version of lofp-enrich writes; run lofp-enrich "
            "build again."
        )
    for number, row in enumerate(cells, 2):
        if len(row) != len(expected):
            raise LofpError(
                f"{path}: row {number} has {len(row)} cells instead of {len(expected)}; run "
                "lofp-enrich build again."
            )
        yield row


def _by_key(table: LookupRows) -> dict[Row, list[Row]]:
    order = [table.columns.index(column) for column in _KEYS[table.name]]
    rows: dict[Row, list[Row]] = defaultdict(list)
    for row in table.rows:
        rows[tuple(row[column] for column in order)].append(row)
    return rows
