"""A world for each test: GitHub, the way to it, and an empty cache folder."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.errors import LofpError
from lofp_enrich.snapshots.fetch import Fetched, Limits, Step, fetch_all

from .certificates import Authority
from .github import API, HOSTS, GitHub
from .internet import Internet

CANARY = "ghp_CanaryThatMustNeverBeSeen0123456789"
PROXY_PASSWORD = "ProxyCanaryThatMustNeverBeSeen"
QUICK = Limits(connect=2, silence=1, transfer=10, bytes=2**20)


@dataclass
class World:
    """What a test acts on, and what it left behind."""

    github: GitHub
    internet: Internet
    authority: Authority
    cache: Path
    sleeps: list[float] = field(default_factory=list)
    """Every wait, which no test sits out."""
    progress: list[Step] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """All text that a person could have seen."""

    def fetch(self, *names: str, **options: Any) -> list[Fetched]:
        """`fetch`, in no time, with everything it says noted."""
        arguments = {"report": self.progress.append, "sleep": self.sleeps.append, "limits": QUICK}
        try:
            results = fetch_all(names, self.cache, **{**arguments, **options})
        except LofpError:
            self.said.append(traceback.format_exc())
            raise
        self.said += [f"{result} {result!r}" for result in results]
        return results

    def fetch_one(self, name: str = "sigma", **options: Any) -> Fetched:
        (result,) = self.fetch(name, **options)
        return result

    @property
    def asked(self) -> list[str]:
        """Host and path of every request so far."""
        return [str(request) for request in self.internet.requests]

    @property
    def notes(self) -> list[str]:
        """Why `fetch` waited."""
        return [each.text for each in self.progress if each.step == "wait"]

    @property
    def files(self) -> list[str]:
        """What lies in the cache, but for the locks."""
        return sorted(path.name for path in self.cache.iterdir() if path.suffix != ".lock")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The one that the clients of these tests trust."""
    return Authority(tmp_path_factory.mktemp("ca"), "trusted")


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Path:
    """Good for all the names of this world."""
    return authority.issue("github", HOSTS)


@pytest.fixture
def world(
    authority: Authority,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[World]:
    """GitHub behind a proxy; and whatever the test does, no secret may be seen anywhere."""
    caplog.set_level("DEBUG")
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    with Internet(certificate, GitHub()) as internet:
        github = internet.handler
        assert isinstance(github, GitHub)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv(
            "HTTPS_PROXY", internet.proxy.replace("//", f"//agent:{PROXY_PASSWORD}@")
        )
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.path))
        monkeypatch.setenv("GITHUB_TOKEN", CANARY)
        made = World(github, internet, authority, tmp_path / "cache")
        yield made
    _check_secrets(made, caplog, capfd)


def _check_secrets(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    captured = capfd.readouterr()
    seen = [captured.out, captured.err, caplog.text, *world.said, *map(repr, world.progress)]
    if world.cache.is_dir():
        seen += [path.read_text("latin-1") for path in world.cache.iterdir()]
    for text in seen:
        assert CANARY not in text
        assert PROXY_PASSWORD not in text
    for request in world.internet.requests:
        if "authorization" in request.headers and request.host != "mirror.example":
            assert request.host == API
        assert "proxy-authorization" not in request.headers
