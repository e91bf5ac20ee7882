"""Runs the alert action as splunkd runs it, on each of Splunk's Pythons and in this process."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.search.splunk import alert_action
from tests.fetch.certificates import Authority
from tests.splunkd import Event
from tests.splunkd.protocol import encode_table, fields_of
from tests.splunkd.pythons import PYTHONS, SPLUNKS

from .standin import Standin

SESSION_KEY = "CanaryKeyThatMustNeverBeSeen^0123456789_abc"
SID = "scheduler__admin__search__RMD5_at_1767225600_42"
WAYS = [
    *(way for way in PYTHONS if way.id in {f"py{version}" for version in SPLUNKS}),
    pytest.param(None, id="here"),
]
"""Splunk's Pythons, which run the built app as splunkd does, and this process, which is quick."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    returncode: int
    log: list[str]
    stderr: str

    @property
    def line(self) -> str:
        """The one line that a run leaves, wherever it went."""
        (line,) = self.log + self.stderr.splitlines()
        return line


class Action:
    """The installed action; `run` gives it an alert with these results."""

    def __init__(
        self, python: Path | None, app: Path, lookups: Path, splunkd: Standin, home: Path
    ) -> None:
        self.python = python
        self.app = app
        self.lookups = lookups
        self.splunkd = splunkd
        self.home = home
        self.logfile = home / "var" / "log" / "splunk" / "lofp_explain_modalert.log"
        self.logfile.parent.mkdir(parents=True)

    def run(
        self,
        results: Sequence[Event] | bytes = (),
        configuration: dict[str, Any] | None = None,
        *,
        arguments: Sequence[str] = ("--execute",),
        stdin: bytes | None = None,
        environ: dict[str, str] | None = None,
        **payload: Any,
    ) -> Outcome:
        """Bytes are a results file as it is."""
        path = self.home / "results.csv.gz"
        if not isinstance(results, bytes):
            results = gzip.compress(encode_table(fields_of(results), results))
        path.write_bytes(results)
        told = {
            "app": "search",
            "owner": "admin",
            "results_file": str(path),
            "results_link": "",
            "server_host": "search-head",
            "server_uri": self.splunkd.uri,
            "session_key": SESSION_KEY,
            "sid": SID,
            "search_name": 'Threat - "Odd" process - Rule',
            "configuration": configuration or {},
            "result": {},
            **payload,
        }
        data = json.dumps(told).encode() if stdin is None else stdin
        env = {"SPLUNK_HOME": str(self.home)} if environ is None else environ
        outcome = (self._here if self.python is None else self._started)(arguments, data, env)
        for text in (outcome.stderr, *outcome.log):
            assert SESSION_KEY not in text
            assert SESSION_KEY[:12] not in text
        for request in self.splunkd.requests:
            assert SESSION_KEY not in f"{request.path} {request.query} {request.body}"
        return outcome

    def _started(self, arguments: Sequence[str], data: bytes, env: dict[str, str]) -> Outcome:
        script = self.app / "bin" / "lofp_explain.py"
        done = subprocess.run(
            [str(self.python), str(script), *arguments],
            input=data,
            capture_output=True,
            cwd=self.home,
            env={"PATH": os.defpath, "HOME": str(self.home), **env},
            timeout=60,
            check=False,
        )
        assert done.stdout == b""
        return Outcome(done.returncode, self._log(), done.stderr.decode())

    def _here(self, arguments: Sequence[str], data: bytes, env: dict[str, str]) -> Outcome:
        stderr = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stderr", stderr)
            code = alert_action.main(
                ["lofp_explain.py", *arguments], io.BytesIO(data), env, self.lookups
            )
        return Outcome(code, self._log(), stderr.getvalue())

    def _log(self) -> list[str]:
        return self.logfile.read_text("utf-8").splitlines() if self.logfile.exists() else []


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs splunkd's certificate; nobody trusts it who is not told to."""
    return Authority(tmp_path_factory.mktemp("ca"), "site")


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Path:
    """splunkd's, for `localhost` and no address."""
    return authority.issue("splunkd", ["localhost"])


@pytest.fixture
def splunkd(certificate: Path) -> Iterator[Standin]:
    """A splunkd without Enterprise Security."""
    with Standin(certificate, SESSION_KEY) as standin:
        yield standin


@pytest.fixture(params=WAYS)
def action(
    request: pytest.FixtureRequest,
    built_app: Path,
    starter_lookups: Path,
    splunkd: Standin,
    tmp_path: Path,
) -> Action:
    """The action of the built app, on each of Splunk's Pythons in turn, and in this process."""
    if request.param is None:
        return Action(None, built_app, starter_lookups, splunkd, tmp_path)
    if request.param.path is None:
        pytest.fail(f"{request.param.absence}, and LOFP_REQUIRE_PYTHONS=1 asks for it")
    return Action(request.param.path, built_app, starter_lookups, splunkd, tmp_path)
