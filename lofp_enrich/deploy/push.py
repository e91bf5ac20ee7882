"""New lookups into an installed app, through splunkd's REST API alone.

Old and new rows are staged and compared before the first lookup file is touched, so that from then
on one search for each file leads either way. If a swap fails, those before it are undone. The
files change one after the other: for about a second a search may see some of them new, and each of
them whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from lofp_enrich.deploy.client import Client
from lofp_enrich.deploy.installed import WRITING, InstalledApp
from lofp_enrich.deploy.staging import Staging
from lofp_enrich.deploy.tables import Change, LookupRows, difference, load
from lofp_enrich.errors import LofpError
from lofp_enrich.search.knowledge.columns import CATALOGUE

Tables = Mapping[str, LookupRows]
Pair = tuple[LookupRows, LookupRows]
"""Of one lookup file, the old and the new."""
Report = Callable[[str], None]

_ORDER = sorted(CATALOGUE, key=lambda name: (name == "lofp_meta.csv", name))
"""Last the file that says which catalogue this is."""


class PushError(LofpError):
    """A push that failed; it says which lookups are in use now and what is left behind."""


@dataclass(frozen=True)
class Pushed:
    """What a push did, or would do."""

    changes: tuple[Change, ...]
    """One for each lookup file."""
    applied: bool
    version: str
    """Of the installed app."""
    requests: int
    left: tuple[str, ...] = ()
    """What could not be cleaned up; the next push does it."""

    def __bool__(self) -> bool:
        return any(self.changes)


def push_lookups(
    door: Client,
    folder: Path,
    *,
    apply: bool = False,
    take_over: bool = False,
    report: Report = lambda line: None,
) -> Pushed:
    """Compares the lookups of a folder with those in use, and with `apply` puts them in place.

    `take_over` ignores the lock of another push; `report` is told of every step. Raises LofpError
    where it cannot begin, and PushError where it failed: then the old lookups are in use, unless
    it says otherwise.
    """
    new = load(folder)
    app = InstalledApp(door)
    app.check(WRITING)
    app.check_writable()
    if not apply:
        return Pushed(_differences(_in_use(app), new), False, app.version, door.requests)
    return _apply(app, new, take_over, report)


def _apply(app: InstalledApp, new: Tables, take_over: bool, report: Report) -> Pushed:
    staging = Staging(app)
    changes: tuple[Change, ...] = ()
    failure: BaseException | None = None
    try:
        staging.lock(take_over)
        changes = _replace(app, staging, new, report)
    except BaseException as error:  # Ctrl-C too must leave nothing behind
        failure = error
    left = staging.clean_up()
    if failure is None:
        return Pushed(changes, True, app.version, app.door.requests, tuple(left))
    if left:
        behind = f"Left behind there: {', '.join(left)}; the next push removes it."
        report(behind)
        if isinstance(failure, LofpError):
            failure = PushError(f"{failure} {behind}")
    raise failure


def _replace(
    app: InstalledApp, staging: Staging, new: Tables, report: Report
) -> tuple[Change, ...]:
    try:
        staging.clear()
        old = _in_use(app)
        changes = _differences(old, new)
        names = [change.name for change in changes if change]
        for name in names:
            report(f"{name}: staging {len(new[name].rows):,} rows")
            staging.stage(old[name], "old")
            staging.stage(new[name], "new")
    except LofpError as error:
        failure = str(error)
    else:
        _swap_all(app, staging, [(old[name], new[name]) for name in names], report)
        return changes
    raise PushError(f"{failure} The old lookups are still in use.")


def _swap_all(app: InstalledApp, staging: Staging, pairs: Sequence[Pair], report: Report) -> None:
    touched: list[Pair] = []
    failure: BaseException | None = None
    try:
        for old, new in pairs:
            report(f"{new.name}: {len(old.rows):,} rows become {len(new.rows):,}")
            touched.append((old, new))
            staging.swap(new, "new")
    except BaseException as error:
        failure = error
    if failure is None:
        return
    outcome = "The old lookups are in use again."
    undone = [_put_back(staging, old) for old, _ in reversed(touched)]
    if not all(undone):
        states = ", ".join(f"{new.name} is {_state(app, old, new)}" for old, new in pairs)
        outcome = (
            f"The old lookups could not all be put back: {states}. Each file is whole. When "
            "splunkd answers again, run lofp-enrich push --apply once more: it takes over from "
            "what is there."
        )
    report(outcome)
    raise PushError(f"{failure} {outcome}") if isinstance(failure, LofpError) else failure


def _put_back(staging: Staging, old: LookupRows) -> bool:
    # Also where the old rows seem to be there: a member of a cluster may not know better yet.
    try:
        staging.swap(old, "old")
    except LofpError:
        return False
    return True


def _state(app: InstalledApp, old: LookupRows, new: LookupRows) -> str:
    try:
        digest = app.read(old.name).digest
    except LofpError:
        return "not known"
    return {old.digest: "old", new.digest: "new"}.get(digest, "neither old nor new")


def _in_use(app: InstalledApp) -> dict[str, LookupRows]:
    return {name: app.read(name) for name in _ORDER}


def _differences(old: Tables, new: Tables) -> tuple[Change, ...]:
    return tuple(difference(old[name], new[name]) for name in _ORDER)
