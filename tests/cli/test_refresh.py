"""`refresh` as cron runs it: from GitHub, through the cache and the lookups, into a Splunk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import Result

from lofp_enrich import sources
from lofp_enrich.cli.options import FETCHED
from lofp_enrich.deploy.tables import load
from tests.conftest import run
from tests.fetch.certificates import Authority
from tests.fetch.github import API, HOSTS, NAMES, GitHub, archive, bundle, sha
from tests.fetch.internet import Internet
from tests.push.conftest import FIELDS, LOCAL, OLD, to_csv
from tests.push.splunkd_rest import StandIn, State, said

TOKEN = "eyJRefresh.ThatMustNever.BeSeen0123456789"
GITHUB_TOKEN = "ghp_RefreshThatMustNeverBeSeen0123456789"
ALL = (
    "8 lookups updated: lofp_attack.csv, lofp_entries.csv, lofp_evidence.csv, lofp_ranking.csv, "
    "lofp_rules.csv, lofp_software.csv, lofp_techniques.csv, lofp_meta.csv.\n"
)


@dataclass
class World:
    """GitHub on one side, a Splunk with the app on the other, and two folders between them."""

    github: GitHub
    internet: Internet
    splunk: StandIn
    authority: Authority
    cache: Path
    lookups: Path
    said: list[str] = field(default_factory=list)
    """All text that a person could have seen."""

    def publish(self, name: str, seed: str, rules: int = 4) -> None:
        """Makes another commit of a source's repository the newest."""
        is_attack = name == "attack"
        data = bundle(["T1059", "T1204"]) if is_attack else archive(name, sha(seed), rules)
        self.github.publish(name, data, sha(seed))

    def run(self, command: str, *options: object) -> Result:
        where = ("--url", self.splunk.url, "--ca", self.authority.path, "--lookups", self.lookups)
        result = run(command, *where, *options)
        self.said += [result.stdout, result.stderr, repr(result)]
        return result

    def refresh(self, *options: object) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a run."""
        result = self.run("refresh", "--cache", self.cache, *options)
        return result.exit_code, result.stdout, result.stderr

    @property
    def is_current(self) -> bool:
        """Whether the Splunk uses the lookups of the folder here, and still the site's own."""
        state = self.splunk.state
        assert state.lookups["lofp_local.csv"] == LOCAL
        return all(
            tuple(tuple(row) for row in state.table(name)[1:] if any(row)) == table.rows
            for name, table in load(self.lookups).items()
        )

    def commits(self) -> dict[str, str]:
        """What the Splunk says of each source."""
        return {row[0]: row[1] for row in self.splunk.state.table("lofp_meta.csv")[1:]}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "trusted")


@pytest.fixture(scope="module")
def shown(trusted: Authority) -> Path:
    """The certificate of all the servers there are."""
    return trusted.issue("servers", [*HOSTS, "localhost"])


@pytest.fixture
def world(
    trusted: Authority,
    shown: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[World]:
    """Something to fetch from all sources; and whatever the test does, no secret may be seen."""
    caplog.set_level("DEBUG")
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("LOFP_SPLUNK_SESSION", raising=False)
    # One file of the starter entries: all of them take seconds, in each of a dozen runs.
    (tmp_path / "starter" / "entries").mkdir(parents=True)
    entries = min((Path(sources.__file__).parents[1] / "starter" / "entries").glob("*.yaml"))
    shutil.copy(entries, tmp_path / "starter" / "entries")
    monkeypatch.setattr(sources, "_STARTER", tmp_path / "starter")
    github = GitHub()
    state = State(token=f"Bearer {TOKEN}", fields=[*FIELDS])
    state.lookups.update({name: to_csv(name, rows) for name, rows in OLD.items()})
    state.lookups["lofp_local.csv"] = LOCAL
    with Internet(shown, github) as internet, StandIn(shown, state) as splunk:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("HTTPS_PROXY", internet.proxy)
        monkeypatch.setenv("NO_PROXY", "localhost")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted.path))
        monkeypatch.setenv("GITHUB_TOKEN", GITHUB_TOKEN)
        monkeypatch.setenv("LOFP_SPLUNK_TOKEN", TOKEN)
        made = World(
            github, internet, splunk, trusted, tmp_path / "cache", tmp_path / "new" / "lookups"
        )
        for name in FETCHED:
            made.publish(name, "a")
        yield made
    assert splunk.refused == []
    captured = capfd.readouterr()
    _check_secrets(made, [captured.out, captured.err, caplog.text])


def _check_secrets(world: World, captured: list[str]) -> None:
    """Each token was sent to its own server, and neither can be read anywhere."""
    asked = [request for request in world.internet.requests if request.host == API]
    assert {request.headers["authorization"] for request in asked} == {f"Bearer {GITHUB_TOKEN}"}
    for request in world.internet.requests:
        assert TOKEN not in str(request.headers)
    for each in world.splunk.requests:
        assert GITHUB_TOKEN not in f"{each}{each.headers}{each.body!r}"
    seen = [*captured, *world.said]
    for folder in (world.cache, world.lookups):
        seen += [path.read_text("latin-1") for path in folder.iterdir()]
    for text in seen:
        assert TOKEN not in text
        assert GITHUB_TOKEN not in text


def test_first_all_is_new_then_nothing_is_then_one_source(world: World) -> None:
    assert world.refresh() == (0, ALL, "")
    assert world.is_current
    expected = {name: sha("a") for name in FETCHED}
    assert {name: world.commits()[name] for name in expected} == expected
    assert "Nightly job 3" in world.splunk.state.lookups["lofp_entries.csv"].decode()
    assert world.splunk.state.leftovers == []

    before = {path: path.stat().st_mtime_ns for path in world.lookups.iterdir()}
    del world.internet.requests[:], world.splunk.requests[:]
    assert world.refresh() == (0, "", "")
    assert {request.host for request in world.internet.requests} == {API}
    assert not any(request.swaps for request in world.splunk.requests)
    assert {path: path.stat().st_mtime_ns for path in world.lookups.iterdir()} == before

    world.publish("sigma", "b")
    code, out, err = world.refresh()
    assert (code, err) == (0, "")
    assert out.startswith("2 lookups updated: lofp_rules.csv, lofp_meta.csv.\n"), out
    assert world.is_current
    assert world.commits()["sigma"] == sha("b")


def test_a_source_that_fails_is_taken_from_its_old_snapshot(world: World) -> None:
    world.refresh()
    world.publish("sigma", "b")
    world.publish("elastic", "b", rules=5)
    sigma = world.github.refs.pop((NAMES["sigma"], ""))

    code, out, err = world.refresh()

    assert code == 1
    assert err == (
        "lofp-enrich: sigma: https://api.github.com: there is no SigmaHQ/sigma (HTTP 404); see "
        f"--ref and --url. Still in use: {sha('a')[:12]} of 2026-08-01, 4 rules.\n"
    )
    assert len(out.splitlines()) == 1
    assert world.is_current
    commits = world.commits()
    assert (commits["sigma"], commits["elastic"]) == (sha("a"), sha("b"))

    world.github.refs[NAMES["sigma"], ""] = sigma
    code, out, err = world.refresh()
    assert (code, err, world.commits()["sigma"]) == (0, "", sha("b"))


def test_a_download_that_is_damaged_does_not_reach_splunk(world: World) -> None:
    world.refresh()
    used = dict(world.splunk.state.lookups)
    world.publish("splunk", "b", rules=1)

    code, out, err = world.refresh()

    assert (code, out) == (1, "")
    assert err.startswith("lofp-enrich: splunk: the download has 1 rules, less than half of")
    assert err.endswith(f"Still in use: {sha('a')[:12]} of 2026-08-01, 4 rules.\n")
    assert world.splunk.state.lookups == used


def test_only_what_is_named_is_fetched(world: World) -> None:
    code, _, err = world.refresh("sigma", "attack")
    assert (code, err) == (0, "")
    asked = [each.path for each in world.internet.requests if each.host == API]
    assert {path.split("/")[2] for path in asked} == {"SigmaHQ", "mitre-attack"}
    assert world.commits().keys() == {"entries", "sigma", "attack"}


def test_a_refused_token_is_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.splunk.state, "token", "Bearer another")
    used = dict(world.splunk.state.lookups)
    host = world.splunk.url[len("https://") :]
    assert world.refresh() == (
        1,
        "",
        f"lofp-enrich: {host}: refuses the token; it may be wrong, expired or revoked.\n",
    )
    assert world.splunk.state.lookups == used


def test_a_push_that_breaks_off_leaves_the_old_lookups(world: World) -> None:
    """What splunkd says quotes the token."""
    world.splunk.state.extra = lambda request: (
        said(403, f"no: {request.headers['authorization']}") if request.swaps else None
    )
    used = dict(world.splunk.state.lookups)
    code, out, err = world.refresh()
    assert (code, out) == (1, "")
    assert "answers HTTP 403 (no: Bearer ***)." in err
    assert err.endswith(" The old lookups are in use again.\n")
    assert len(err.splitlines()) == 1
    assert world.splunk.state.lookups == used


def test_what_is_left_behind_is_told_as_push_tells_it(world: World) -> None:
    world.splunk.state.extra = lambda request: (
        (403, {}) if request.method == "DELETE" and request.query else None
    )
    code, out, err = world.refresh()
    assert (code, out) == (1, ALL)
    assert err == (
        "lofp-enrich: left behind there: a lock that holds until 2027-01-15 08:30 UTC; the next "
        "push removes it.\n"
    )
    assert world.is_current

    world.splunk.state.collections["lofp_lock"].clear()
    pushed = world.run("push", "--apply")
    assert (pushed.exit_code, pushed.stderr) == (1, err)
