"""ATT&CK IDs of all versions, followed to the current one."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.formernames import FORMER_NAMES

COLUMNS = ("technique", "name", "tactics", "parent", "status", "replaced_by")
"""Of `lofp_attack.csv`."""

_LONGEST_CHAIN = 10
"""T1089 -> T1562.001 -> T1685 is a chain of two; a table with a loop must not hang a search."""
_LONGEST_NAME = 200
"""Characters; twice as many as any technique's name has behind its parent's and a tactic."""
_NOT_WORD = re.compile(r"[\W_]+")


class Attack:
    """The ATT&CK table: `current` ID, `name`, `parent` and `tactics` of a technique."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self.rows = {row["technique"]: row for row in rows}
        self._names: dict[str, tuple[str, ...]] | None = None
        self._tactics: dict[str, str] = {}

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
        """Current IDs of all techniques with this name: `Cloud Accounts` has three.

        Former names count, and case, punctuation and a plural do not. A sub-technique may stand
        behind its parent (`Valid Accounts: Cloud Accounts` is one), and each behind a tactic.
        """
        if len(name) > _LONGEST_NAME:
            return ()
        if self._names is None:
            self._names = self._all_names()
        key = _fold(name)
        return self._named(key) or self._behind_tactic(key)

    def _named(self, key: str) -> tuple[str, ...]:
        names = self._names or {}
        return names.get(key) or names.get(_singular(key), ())

    def _behind_tactic(self, key: str) -> tuple[str, ...]:
        for prefix, tactic in self._tactics.items():
            if key.startswith(prefix):
                found = self._named(key[len(prefix) :])
                # A tactic that was renamed since says nothing, and is none of today's.
                return tuple(each for each in found if tactic in self.tactics(each)) or found
        return ()

    def _all_names(self) -> dict[str, tuple[str, ...]]:
        """Made when first asked for, for most alerts name no technique but by its ID."""
        tactics = {tactic for row in self.rows.values() for tactic in row["tactics"].split("|")}
        self._tactics = {f"{_fold(tactic)} ": tactic for tactic in sorted(tactics) if tactic}
        own = {
            technique: [_fold(name) for name in (row["name"], *FORMER_NAMES.get(technique, ()))]
            for technique, row in self.rows.items()
        }
        names: dict[str, tuple[str, ...]] = {}
        for technique, row in self.rows.items():
            current = self.current(technique)
            above = own.get(row["parent"], ())
            for name in filter(None, own[technique]):
                for key in (name, *(f"{over} {name}" for over in above)):
                    held = names.get(key, ())
                    if current not in held:
                        names[key] = (*held, current)
        for key, found in list(names.items()):
            # A name of the table comes before what would be the singular of another one.
            names.setdefault(_singular(key), found)
        return names


@lru_cache(maxsize=4096)
def parent(technique: str) -> str:
    """The technique that a sub-technique belongs to; a technique is its own.

    ATLAS IDs keep their prefix: `AML.T0043.000` belongs to `AML.T0043`.
    """
    head, dot, last = technique.rpartition(".")
    return head if dot and last.isdigit() else technique


def _fold(name: str) -> str:
    """What the spellings of a name share: `Scheduled Task/Job`, `scheduled_task_job`; and
    `Process Doppelgänging` of ATT&CK and `Process Doppelganging` of those who have no such letter.
    """
    if not name.isascii():
        parts = unicodedata.normalize("NFD", name)
        name = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return _NOT_WORD.sub(" ", name.casefold().replace("&", " and ")).strip()


def _singular(key: str) -> str:
    return " ".join([_one(word) for word in key.split(" ")]) if "s " in key + " " else key


def _one(word: str) -> str:
    """The word without the s of a plural, which that of `process`, `bus` or `dns` is not."""
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "siu" else word


def _first_missing(fieldnames: Iterable[str] | None) -> str:
    return next(column for column in COLUMNS if column not in set(fieldnames or ()))
