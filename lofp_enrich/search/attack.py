"""ATT&CK IDs of all versions, followed to the current one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from lofp_enrich.search.errors import SearchError

COLUMNS = ("technique", "name", "tactics", "parent", "status", "replaced_by")
"""Of `lofp_attack.csv`."""

_LONGEST_CHAIN = 10
"""T1089 -> T1562.001 -> T1685 is a chain of two; a table with a loop must not hang a search."""


class Attack:
    """The ATT&CK table: `current` ID, `name`, `parent` and `tactics` of a technique."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self.rows = {row["technique"]: row for row in rows}
        self._by_name: dict[str, tuple[str, ...]] = {}
        for technique, row in self.rows.items():
            key = row["name"].casefold()
            found = self.current(technique)
            if key and found not in self._by_name.get(key, ()):
                self._by_name[key] = (*self._by_name.get(key, ()), found)

    @classmethod
    def load(cls, path: Path) -> Attack:
        """Reads `lofp_attack.csv`; raises SearchError where it is missing or no such table."""
        try:
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                reader = csv.DictReader(file, restval="")
                if not set(COLUMNS) <= set(reader.fieldnames or ()):
                    raise SearchError(
                        f"{path.name} has no column {_first_missing(reader.fieldnames)}; "
                        "install the app again or run lofp-enrich build."
                    )
                return cls(list(reader))
        except (OSError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SearchError(
                f"{path.name} cannot be read ({reason}); "
                "install the app again or run lofp-enrich build."
            ) from error

    def current(self, technique: str) -> str:
        """The ID that stands for `technique` today; one the table does not know stays as it is."""
        for _ in range(_LONGEST_CHAIN):
            row = self.rows.get(technique)
            if row is None or not row["replaced_by"]:
                break
            technique = row["replaced_by"]
        return technique

    def name(self, technique: str) -> str:
        """ATT&CK's name of a technique, empty where the table does not know it."""
        row = self.rows.get(technique)
        return row["name"] if row else ""

    def tactics(self, technique: str) -> list[str]:
        """The tactics of a technique in ATT&CK's short names (`initial-access`)."""
        row = self.rows.get(technique)
        return row["tactics"].split("|") if row and row["tactics"] else []

    def by_name(self, name: str) -> tuple[str, ...]:
        """Current IDs of all techniques with this name, in any case: `Cloud Accounts` has three."""
        return self._by_name.get(name.strip().casefold(), ())


def parent(technique: str) -> str:
    """The technique that a sub-technique belongs to; a technique is its own.

    ATLAS IDs keep their prefix: `AML.T0043.000` belongs to `AML.T0043`.
    """
    head, dot, last = technique.rpartition(".")
    return head if dot and last.isdigit() else technique


def _first_missing(fieldnames: Iterable[str] | None) -> str:
    return next(column for column in COLUMNS if column not in set(fieldnames or ()))
