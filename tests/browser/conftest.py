"""Fixtures of the dashboard tests: a built app, a search head that has it, a browser in front."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from datetime import timezone, tzinfo
from pathlib import Path
from typing import Callable

import pytest

from tests.browser import browser as browsers
from tests.browser.browser import Browser
from tests.browser.splunkweb import Site, Web, serve
from tests.conftest import run
from tests.demo import install
from tests.spl.evaluation import Clock
from tests.spl.search import Row
from tests.spl.site import Splunk, load_events
from tests.splunkd import FakeSplunkd
from tests.splunkd.pythons import running
from tests.splunkd.session import Session

DATA = Path(__file__).parent / "data"
NOW = 1772452800.0
"""Noon of 2 March 2026 in UTC: the sample events are of the week before."""

_PROBES: dict[str, Session] = {}
"""The pages ask with the same few command lines over and over."""

OpenSite = Callable[..., Site]


@pytest.fixture(scope="session")
def dashboard_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged app with the starter entries and some rules that we wrote for these tests."""
    root = tmp_path_factory.mktemp("dashboards")
    sigma = _snapshot(DATA / "rules" / "sigma", root, f"sigma-{'3f1c' * 10}", "rules")
    splunk = _snapshot(
        DATA / "rules" / "splunk", root, f"security_content-{'9a2e' * 10}", "detections"
    )
    lookups, archive = root / "lookups", root / "app.tar.gz"
    named = {"sigma": sigma, "splunk": splunk, "entries": DATA / "rules" / "entries"}
    sources = [part for each in named.items() for part in ("--source", "{}={}".format(*each))]
    assert run("build", *sources, "--out", lookups).exit_code == 0
    # Only `lofp-enrich fetch` knows the date of a commit.
    meta = lookups / "lofp_meta.csv"
    text = meta.read_text(encoding="utf-8")
    for name, date in (("sigma", "2026-02-11"), ("splunk", "2025-10-20")):
        text = re.sub(rf"(?m)^({name},\w+),,", rf"\1,{date},", text)
    meta.write_text(text, encoding="utf-8")
    assert run("package", "--lookups", lookups, "--out", archive).exit_code == 0
    return install(archive, root / "etc")


def _snapshot(rules: Path, root: Path, top: str, folder: str) -> Path:
    """The rules as an archive from GitHub has them, which names their commit."""
    archive = root / f"{top}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(rules, arcname=f"{top}/{folder}")
    return archive


@pytest.fixture
def search_head(dashboard_app: Path, tmp_path: Path) -> Callable[..., Splunk]:
    """Makes a search head with the app, the sample events (or others) and own explanations: one
    where empty cells are null, as public searches take them to be, or one where they are texts."""

    def make(
        events: Sequence[Row] | None = None,
        local: Path | None = None,
        zone: tzinfo = timezone.utc,
        empty: str = "null",
    ) -> Splunk:
        home = tmp_path / f"empty-is-{empty}"
        app = home / "etc" / "apps" / "lofp_enrich"
        shutil.copytree(dashboard_app, app)
        if local is not None:
            shutil.copy(local, app / "lookups" / "lofp_local.csv")
        env = {"PYTHONPATH": str(Path(__file__).parent / "clock"), "LOFP_TEST_NOW": str(NOW)}
        splunkd = FakeSplunkd(app, running().path or "", work_dir=home, env=env, probes=_PROBES)
        found = load_events(DATA / "events.jsonl") if events is None else events
        return Splunk(splunkd, found, Clock(NOW, zone), empty)

    return make


@pytest.fixture(scope="session")
def web() -> Iterator[Web]:
    """The web server of the session."""
    with serve(browsers.CACHE / "page.js") as web:
        yield web


@pytest.fixture(scope="session")
def browser(web: Web) -> Iterator[Browser]:
    """A browser for all tests; skips where there is none, fails where one is required."""
    absence = browsers.absence()
    if absence and os.environ.get("LOFP_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{absence}; LOFP_REQUIRE_BROWSER=1 asks for it")
    if absence:
        pytest.skip(absence)
    with browsers.start(web.url) as browser:
        yield browser


@pytest.fixture
def open_site(browser: Browser, web: Web, search_head: Callable[..., Splunk]) -> Iterator[OpenSite]:
    """Puts a search head behind the pages; at the end nothing may have gone wrong with them."""

    def make(**arguments: object) -> Site:
        web.site = Site(search_head(**arguments))
        return web.site

    yield make
    assert web.site.faults == []
    assert browser.do("faults") == []


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """The sample events, and some own explanations of every state."""
    return open_site(local=DATA / "lofp_local.csv")
