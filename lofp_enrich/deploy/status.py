"""Which lookups an installed app uses, beside those of a folder here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date
from pathlib import Path

from lofp_enrich.deploy.client import Client
from lofp_enrich.deploy.installed import READING, InstalledApp
from lofp_enrich.deploy.tables import LookupRows, load_file
from lofp_enrich.search.knowledge.columns import CATALOGUE

_META = "lofp_meta.csv"


@dataclass(frozen=True)
class Provenance:
    """What lookups were made of one source, as their `lofp_meta.csv` says."""

    commit: str
    date: str
    """ISO date of the commit; empty where it is not known."""
    rules: str
    entries: str

    def age(self, today: Date) -> int | None:
        """Days since the commit; None where its date is not known."""
        try:
            return (today - Date.fromisoformat(self.date)).days
        except ValueError:
            return None


@dataclass(frozen=True)
class SourceStatus:
    """One source, there and here; None where it is not in the lookups."""

    source: str
    there: Provenance | None
    here: Provenance | None

    @property
    def verdict(self) -> str:
        """How the two compare: `same`, `newer here`, `older here`, `differs`, `only there/here`."""
        if self.here is None or self.there is None:
            return "only there" if self.here is None else "only here"
        if self.here == self.there:
            return "same"
        if self.here.date and self.there.date and self.here.date != self.there.date:
            return "newer here" if self.here.date > self.there.date else "older here"
        return "differs"


@dataclass(frozen=True)
class Status:
    """What is installed, against what is here."""

    app: str
    version: str
    sources: tuple[SourceStatus, ...]
    """By name."""

    def __bool__(self) -> bool:
        return any(each.verdict != "same" for each in self.sources)


def status_of(door: Client, folder: Path) -> Status:
    """Asks the installed app, and reads the folder; without lookups there, nothing is here.

    It is true where the two differ. Raises LofpError where the app cannot be asked.
    """
    app = InstalledApp(door)
    app.check(READING)
    there = _provenances(app.read(_META))
    here = _provenances(load_file(folder / _META)) if (folder / _META).exists() else {}
    return Status(
        door.app,
        app.version,
        tuple(
            SourceStatus(source, there.get(source), here.get(source))
            for source in sorted({*there, *here})
        ),
    )


def _provenances(meta: LookupRows) -> Mapping[str, Provenance]:
    rows = (dict(zip(CATALOGUE[_META], row)) for row in meta.rows)
    return {
        row["source"]: Provenance(row["commit"], row["date"], row["rules"], row["entries"])
        for row in rows
    }
