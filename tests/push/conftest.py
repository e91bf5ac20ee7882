"""A world for each test: a Splunk with the app, two catalogues, and a door between them."""

from __future__ import annotations

import csv
import io
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.deploy.client import Client, Limits
from lofp_enrich.deploy.credentials import Secret
from lofp_enrich.deploy.push import Pushed, push_lookups
from lofp_enrich.errors import LofpError
from lofp_enrich.search.knowledge import columns
from tests.fetch.certificates import Authority

from .splunkd_rest import Fault, StandIn, State

CANARY = "eyJCanary.ThatMustNever.BeSeen0123456789"
QUICK = Limits(connect=5, silence=5, settle=(0, 0.01))
ONCE = Limits(connect=5, silence=5, tries=1, settle=(0,))
LOCAL = (
    b"statement,technique,rule,field,value,reason,owner,expires,enabled\nthe site's own,,,,,,,,\n"
)
HEADERS: dict[str, tuple[str, ...]] = {
    "lofp_attack.csv": columns.ATTACK,
    "lofp_entries.csv": columns.ENTRIES,
    "lofp_evidence.csv": columns.EVIDENCE,
    "lofp_meta.csv": columns.META,
    "lofp_ranking.csv": columns.RANKING,
    "lofp_rules.csv": columns.RULES,
    "lofp_software.csv": columns.SOFTWARE,
    "lofp_techniques.csv": columns.TECHNIQUES,
}
FIELDS = ["_key", "lofp_set", "lofp_position"]
FIELDS += sorted({column for header in HEADERS.values() for column in header})

Rows = list[list[str]]

_ODD = (
    '" | delete',
    "| outputlookup lofp_local.csv",
    "a, b; 'c' \"d\" $e$ `f` [search g]",
    "'=cmd",
    "Café Größe 日本 \U0001f600",
    "007",
    "1e3",
    "\\",
    "true",
    "a|b|c",
)


def rows(name: str, numbers: Iterator[int] | range, mark: str = "") -> Rows:
    """Rows of a file, in our words: odd cells, and every third cell of a row empty."""
    header = HEADERS[name]
    made = []
    for number in numbers:
        row = [f"{column}-{number:03}" for column in header]
        for at in range(2, len(header)):
            row[at] = _ODD[(number + at) % len(_ODD)] + mark if (number + at) % 3 else ""
        made.append(row)
    return made


def catalogue(mark: str, first: int = 0) -> dict[str, Rows]:
    """Rows of all files, enough for their order to matter."""
    return {
        "lofp_attack.csv": rows("lofp_attack.csv", range(12)),
        "lofp_entries.csv": rows("lofp_entries.csv", range(first, first + 14), mark),
        "lofp_evidence.csv": rows("lofp_evidence.csv", range(first, first + 5)),
        "lofp_meta.csv": [["sigma", mark * 40, "2026-08-01", "DRL-1.1", "13", "14"]],
        "lofp_ranking.csv": rows("lofp_ranking.csv", range(11)),
        "lofp_rules.csv": rows("lofp_rules.csv", range(first, first + 13)),
        "lofp_software.csv": rows("lofp_software.csv", range(9), mark),
        "lofp_techniques.csv": rows("lofp_techniques.csv", range(11)),
    }


OLD, NEW = catalogue("a"), catalogue("b", first=2)


def to_csv(name: str, table: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADERS[name], *table])
    return text.getvalue().encode()


@dataclass
class World:
    """What a test acts on, and what it left behind."""

    splunk: StandIn
    authority: Authority
    folder: Path
    said: list[str] = field(default_factory=list)
    """All text that a person could have seen."""
    sleeps: list[float] = field(default_factory=list)

    @property
    def state(self) -> State:
        return self.splunk.state

    def install(self, tables: dict[str, Rows]) -> None:
        """Puts lookups into the installed app."""
        self.state.lookups.update({name: to_csv(name, each) for name, each in tables.items()})
        self.state.lookups["lofp_local.csv"] = LOCAL

    def write(self, tables: dict[str, Rows]) -> None:
        """Puts lookups into the local folder."""
        for name, each in tables.items():
            (self.folder / name).write_bytes(to_csv(name, each))

    def uses(self, tables: dict[str, Rows]) -> bool:
        """Whether the app's lookups are these: same header, same rows, same order."""
        assert self.state.lookups["lofp_local.csv"] == LOCAL
        return all(
            [row for row in self.state.table(name) if any(row)] == [[*HEADERS[name]], *each]
            for name, each in tables.items()
        )

    @contextmanager
    def door(self, **options: Any) -> Iterator[Client]:
        arguments = {
            "secret": Secret("Bearer", CANARY),
            "ca": self.authority.path,
            "limits": QUICK,
            "sleep": self.sleeps.append,
        }
        with Client(options.pop("url", self.splunk.url), **{**arguments, **options}) as door:
            self.said.append(repr(door))
            yield door

    def push(self, apply: bool = True, take_over: bool = False, **options: Any) -> Pushed:
        """`push`, with everything that it says noted."""
        try:
            with self.door(**options) as door:
                result = push_lookups(
                    door, self.folder, apply=apply, take_over=take_over, report=self.said.append
                )
        except LofpError as error:
            self.said += [str(error), repr(error), traceback.format_exc()]
            raise
        self.said += [repr(result), *map(str, result.changes)]
        return result

    def fails(self, **options: Any) -> str:
        """What a push that must fail says."""
        with pytest.raises(LofpError) as caught:
            self.push(**options)
        inside = caught.value.__context__
        assert type(inside).__module__ == "builtins", "it carries what a library said"
        return str(caught.value)

    def check(self) -> None:
        """Nothing that splunkd would not have understood, and no secret anywhere."""
        assert self.splunk.refused == []
        for text in self.said:
            assert CANARY not in text


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The one that the clients of these tests trust."""
    return Authority(tmp_path_factory.mktemp("ca"), "trusted")


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Path:
    return authority.issue("splunkd", ["localhost"])


@contextmanager
def made_world(
    authority: Authority, certificate: Path, folder: Path, fault: Fault | None = None
) -> Iterator[World]:
    """A Splunk that uses OLD, and a folder with NEW."""
    state = State(token=f"Bearer {CANARY}", fields=[*FIELDS])
    folder.mkdir(exist_ok=True)
    with StandIn(certificate, state) as splunk:
        splunk.fault = fault
        world = World(splunk, authority, folder)
        world.install(OLD)
        world.write(NEW)
        yield world
    world.check()


@pytest.fixture
def world(
    authority: Authority,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[World]:
    caplog.set_level("DEBUG")
    clear_environment(monkeypatch, tmp_path)
    with made_world(authority, certificate, tmp_path / "lookups") as made:
        yield made
        captured = capfd.readouterr()
        made.said += [captured.out, captured.err, caplog.text]


def clear_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No proxy, and a ~/.netrc that would put another secret in ours' place."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.delenv(name)
    (home / ".netrc").write_text("machine localhost login somebody password something\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
