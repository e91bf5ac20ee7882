"""Holds an installed app against the emulator: the same searches there and here, side by side.

It installs nothing and writes nothing but one lookup file `lofp_scratch_<name>.csv`, which it
removes at the end, after an interruption too; what a killed run has left, the next one removes.
Every search is bounded: it makes its own events, or looks at one minute.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from splunklib.binding import UrlEncoded

from lofp_enrich.deploy.client import Client, SplunkdError
from tests.live.searches import SCRATCH, Check
from tests.spl.evaluation import text_of
from tests.spl.search import Interpreter, Results, Row
from tests.spl.syntax import SplError

PREFIX = "lofp_scratch_"
MOST = 5_000
SECONDS = 60
APP = "lofp_enrich"


class Outcome(NamedTuple):
    """What came of a check."""

    check: str
    asks: str
    state: str
    """`same`, `differs` or `fails`."""
    there: str = ""
    here: str = ""


class Refused(Exception):
    """A search that was not carried out, in the words of whoever refused it."""


class Side(Protocol):
    """Who answers a search: a Splunk, or the emulator."""

    def run(self, check: Check, scratch: str) -> list[Row]:
        """Its rows; raises Refused."""


class Emulator:
    """The interpreter of `tests/spl` with the packaged app's command."""

    def __init__(self, splunk: Interpreter) -> None:
        self.splunk = splunk

    def run(self, check: Check, scratch: str) -> list[Row]:
        """Its rows; raises Refused."""
        try:
            results = self.splunk.search(check.search.replace(SCRATCH, scratch), check.earliest)
            if check.chain:
                results = self.splunk.continue_search(check.chain, Results(results.rows))
        except SplError as error:
            raise Refused(str(error)) from error
        return results.rows


class Live:
    """A Splunk behind its REST API."""

    def __init__(self, door: Client) -> None:
        self.door = door

    def run(self, check: Check, scratch: str) -> list[Row]:
        """Its rows; raises Refused."""
        search = check.search.replace(SCRATCH, scratch)
        if check.chain:
            sid = self._dispatch(search, check.earliest)
            try:
                return self._rows(f"| loadjob {sid} | {check.chain}", check.earliest)
            finally:
                self.door.delete(f"search/jobs/{quote(sid, safe='')}")
        return self._rows(search, check.earliest)

    def _rows(self, search: str, earliest: str) -> list[Row]:
        answer = self._post(search, earliest, exec_mode="oneshot", count=0, max_count=MOST)
        found = answer.get("results")
        if not isinstance(found, list):
            raise Refused("an answer without results")
        return found

    def _dispatch(self, search: str, earliest: str) -> str:
        answer = self._post(search, earliest, exec_mode="blocking", max_count=MOST, timeout=120)
        return str(answer.get("sid", ""))

    def _post(self, search: str, earliest: str, **form: object) -> Mapping[str, Any]:
        search = search.strip()
        text = search if search.startswith("|") else f"search {search}"
        try:
            answer = self.door.post(
                "search/jobs",
                tries=1,
                search=text,
                earliest_time=earliest,
                latest_time="now",
                max_time=SECONDS,
                **form,
            )
        except SplunkdError as error:
            raise Refused(self.door.quote(str(error))) from error
        if not isinstance(answer, dict):
            raise Refused("an answer that is no object")
        said = [
            str(each.get("text"))
            for each in answer.get("messages") or []
            if each.get("type") in ("ERROR", "FATAL")
        ]
        if said:
            raise Refused(self.door.quote("; ".join(said)))
        return answer

    # The scratch lookup

    def leftovers(self) -> list[tuple[str, str]]:
        """(name, path) of every scratch lookup of this app."""
        files = UrlEncoded(f"/servicesNS/-/{APP}/data/lookup-table-files", skip_encode=True)
        listed = self.door.get(files, count=0, search=f"name={PREFIX}*")
        found = []
        for entry in listed.get("entry") or []:
            name, acl = str(entry.get("name", "")), entry.get("acl") or {}
            if name.startswith(PREFIX) and acl.get("app") == APP:
                private = acl.get("sharing") == "user"
                owner = quote(str(acl.get("owner")) if private else "nobody", safe="")
                path = f"/servicesNS/{owner}/{APP}/data/lookup-table-files/{quote(name, safe='')}"
                found.append((name, path))
        return found

    def sweep(self) -> list[str]:
        """Removes every scratch lookup, and says which there were."""
        found = self.leftovers()
        for _, path in found:
            self.door.delete(UrlEncoded(path, skip_encode=True))
        return [name for name, _ in found]

    # Who may what

    def permissions(self) -> dict[str, str]:
        """How far the app's objects are shared: app or global."""
        asked = {
            "command": "configs/conf-commands/lofpenrich",
            "lookup": "data/transforms/lookups/lofp_entries",
            "macro": "configs/conf-macros/lofp_alerts",
            "page": "data/ui/views/triage",
            "report": "saved/searches/LoFP%20-%20Rules%20without%20an%20explanation",
        }
        found = {}
        for kind, path in asked.items():
            try:
                where = UrlEncoded(f"/servicesNS/nobody/{APP}/{path}", skip_encode=True)
                entries = self.door.get(where).get("entry") or [{}]
                found[kind] = str((entries[0].get("acl") or {}).get("sharing", "unknown"))
            except SplunkdError as error:
                found[kind] = f"not there ({error.status})"
        return found


SHARED = {
    "command": "global",
    "lookup": "global",
    "macro": "global",
    "page": "app",
    "report": "app",
}
"""What default.meta says, which `tests/live/test_kit.py` holds."""


@contextmanager
def scratch(live: Live, say: Callable[[str], None]) -> Iterator[str]:
    """The name of a lookup file that goes when the block ends, however it ends."""
    for name in live.sweep():
        say(f"removed {name}, which an earlier run had left")
    try:
        yield f"{PREFIX}{secrets.token_hex(4)}.csv"
    finally:
        live.sweep()


def run(live: Live, here: Side, checks: list[Check], say: Callable[[str], None]) -> list[Outcome]:
    """The outcome of every check; says each as soon as it is known."""
    shared = live.permissions()
    outcomes = [_compared("permissions", "what is shared with other apps", shared, SHARED)]
    with scratch(live, say) as name:
        for check in checks:
            _tell(outcomes[-1], say)
            outcomes.append(_outcome(check, live, here, name))
    _tell(outcomes[-1], say)
    return outcomes


def _tell(outcome: Outcome, say: Callable[[str], None]) -> None:
    say(f"{outcome.state:7}  {outcome.check}")
    if outcome.state != "same":
        say(f"         about: {outcome.asks}")
        say(f"         there: {outcome.there}")
        say(f"         here:  {outcome.here}")


def _outcome(check: Check, live: Side, here: Side, name: str) -> Outcome:
    there, wanted = _answer(check, live, name), _answer(check, here, name)
    if check.refused or isinstance(there, str) or isinstance(wanted, str):
        refused = isinstance(there, str), isinstance(wanted, str)
        state = "same" if refused == (check.refused, check.refused) else "fails"
        return Outcome(check.name, check.asks, state, _short(there), _short(wanted))
    if check.runs:
        return Outcome(check.name, check.asks, "same")
    return _compared(check.name, check.asks, there, wanted)


def _answer(check: Check, side: Side, name: str) -> list[Row] | str:
    try:
        return [_plain(row) for row in side.run(check, name)]
    except Refused as error:
        return str(error)


def _compared(name: str, asks: str, there: Any, here: Any) -> Outcome:
    if there == here:
        return Outcome(name, asks, "same")
    if isinstance(there, list) and isinstance(here, list):
        if len(there) != len(here):
            return Outcome(name, asks, "differs", f"{len(there)} rows", f"{len(here)} rows")
        number = next(at for at, row in enumerate(there) if row != here[at])
        there, here = there[number], here[number]
    if isinstance(there, dict) and isinstance(here, dict):
        odd = [key for key in {**there, **here} if there.get(key) != here.get(key)]
        there, here = ({key: side.get(key) for key in odd} for side in (there, here))
    return Outcome(name, asks, "differs", _short(there), _short(here))


def _plain(row: Row) -> Row:
    """A row as both sides can say it: texts and lists, no empty cell, no field of Splunk's own."""
    found = {name: text_of(value) for name, value in row.items() if not name.startswith("_")}
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 400 else f"{text[:399]}…"
