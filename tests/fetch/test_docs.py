"""The page on fresh data names what a firewall and a mirror have to know."""

from __future__ import annotations

from pathlib import Path

from lofp_enrich.snapshots.download import Limits
from lofp_enrich.snapshots.fetch import REPOSITORIES

from .conftest import World
from .github import MIRROR, archive, bundle, sha

PAGE = Path(__file__).parents[2] / "docs" / "fresh-data.md"


def publish_all(world: World) -> None:
    for name in REPOSITORIES:
        data = bundle(["T1059"]) if name == "attack" else archive(name, sha("a"), 2)
        world.github.publish(name, data, sha("a"))


def test_hosts(world: World) -> None:
    publish_all(world)
    world.fetch(*REPOSITORIES)
    page = PAGE.read_text("utf-8")
    for host in {request.host for request in world.internet.requests}:
        assert f"`{host}`" in page


def test_paths_of_a_mirror(world: World) -> None:
    publish_all(world)
    results = world.fetch(*REPOSITORIES, url=f"https://{MIRROR}/base")
    assert {result.state for result in results} == {"failed"}  # the base stands before each path
    assert all(request.path.startswith("/base/repos/") for request in world.internet.requests)
    world.fetch(*REPOSITORIES, url=f"https://{MIRROR}")
    page = PAGE.read_text("utf-8")
    for request in world.internet.requests[len(REPOSITORIES) :]:
        assert f"| `{request.target.replace(sha('a'), 'COMMIT')}` |" in page


def test_numbers() -> None:
    page = PAGE.read_text("utf-8")
    limits = Limits()
    assert f"larger than {limits.bytes >> 20} MiB" in page
    assert (limits.tries, limits.wait) == (5, 120)
    assert "tried five times" in page
    assert "more than two minutes" in page
