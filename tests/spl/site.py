"""A search head with the packaged app: its lookup files, its macros, its command, some events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.spl.evaluation import Clock, text_of
from tests.spl.search import (
    Interpreter,
    Results,
    Row,
    epoch,
    read_table,
    search_condition,
    write_table,
)
from tests.spl.syntax import SplError, macros_of
from tests.splunkd import Event, FakeSplunkd
from tests.splunkd.apps import read_conf

_ANSWERS: dict[str, list[Event]] = {}
"""What the command said: pages ask the same of the same alerts over and over."""


class AppLookups:
    """The lookup definitions of an app and their CSV files."""

    def __init__(self, app: Path) -> None:
        self.folder = app / "lookups"
        self._files = {
            name: stanza.get("filename", "")
            for name, stanza in read_conf(app / "default" / "transforms.conf").items()
        }
        for default in self.folder.glob("*.csv.default"):
            # As splunkd does at its start.
            if not default.with_suffix("").exists():
                default.with_suffix("").write_bytes(default.read_bytes())

    def read(self, name: str) -> tuple[Sequence[str], list[Row]]:
        """Columns and rows of a lookup."""
        path = self._path(name)
        if not path.exists():
            raise SplError(
                f"The lookup table '{name}' requires a .csv or KV store lookup definition."
            )
        return read_table(path.read_bytes())

    def write(self, name: str, columns: Sequence[str], rows: list[Row]) -> None:
        """Puts other rows into its file."""
        self._path(name).write_bytes(write_table(columns, rows))

    def _path(self, name: str) -> Path:
        if name.endswith(".csv"):
            return self.folder / name
        if not self._files.get(name):
            raise SplError(f"The lookup table '{name}' does not exist or is not available.")
        return self.folder / self._files[name]


class Splunk(Interpreter):
    """A search head with one app, some events in indexes, and a clock that stands still."""

    def __init__(
        self, splunkd: FakeSplunkd, events: Iterable[Row], clock: Clock, empty: str = "null"
    ) -> None:
        self.app = splunkd.app
        macros = macros_of(read_conf(self.app / "default" / "macros.conf"))
        super().__init__(AppLookups(self.app), clock, macros, empty)
        found = [{**event, "_time": text_of(epoch(event["_time"]))} for event in events]
        self.events = sorted(found, key=lambda event: -epoch(event["_time"]))
        self._splunkd = splunkd

    def lookups_there(self) -> str:
        """What is in the lookups. Not their times: each test has a copy, mostly of the same."""
        lookups = sorted((self.app / "lookups").glob("*.csv"))
        return _digest(
            [[each.name, hashlib.sha256(each.read_bytes()).hexdigest()] for each in lookups]
        )

    def state(self) -> str:
        """All that decides what a search gives here, and that is not in the search itself."""
        clock = [self.clock.now, str(self.clock.zone), self.empty]
        return _digest([self.lookups_there(), self.events, clock])

    def _events(self, terms: str, window: tuple[float, float]) -> Results:
        earliest, latest = window
        condition = search_condition(terms)
        found = (e for e in self.events if earliest <= epoch(e["_time"]) <= latest)
        return Results([dict(event) for event in found if condition(event)])

    def _do_lofpenrich(self, arguments: str, results: Results) -> Results:
        events = [
            {name: _canonical(value) for name, value in row.items() if value is not None}
            for row in results.rows
        ]
        key = _digest([arguments, events, self.lookups_there(), self.clock.now])
        if key not in _ANSWERS:
            answer = self._splunkd.search(f"| lofpenrich {arguments}", events)
            if answer.errors:
                raise SplError("; ".join(answer.errors))
            _ANSWERS[key] = answer.events
        return Results([dict(event) for event in _ANSWERS[key]], results.fields)


def load_events(path: Path) -> list[Row]:
    """The sample events of a file: an object a line, once more for every time in its `also`."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        also = event.pop("also")
        events += [event, *({**event, "_time": time} for time in also)]
    return events


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, list) else str(text_of(value))
