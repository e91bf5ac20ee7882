"""What `fetch` brings, what it asks for, and what it says."""

from __future__ import annotations

import re

import pytest

from lofp_enrich import sources
from lofp_enrich.errors import LofpError
from lofp_enrich.snapshots import cache
from lofp_enrich.snapshots.fetch import REPOSITORIES

from .conftest import CANARY, World
from .github import BUNDLE, MIRROR, NAMES, archive, bundle, sha


def test_all_at_once(world: World) -> None:
    first = sha("first")
    for name in ("sigma", "elastic", "splunk", "lolrmm"):
        world.github.publish(name, archive(name, first, 4), first, day=5)
    world.github.publish("attack", bundle(["T1059", "T1059.001"]), first, day=6)

    results = world.fetch(*REPOSITORIES)

    assert [str(result) for result in results] == [
        f"sigma: created, {first[:12]} of 2026-08-05, 4 rules",
        f"elastic: created, {first[:12]} of 2026-08-05, 4 rules",
        f"splunk: created, {first[:12]} of 2026-08-05, 4 rules",
        f"lolrmm: created, {first[:12]} of 2026-08-05, 4 tools",
        f"attack: created, {first[:12]} of 2026-08-06, 2 techniques",
    ]
    for result in results[:4]:
        found = cache.snapshot(result.name, world.cache)
        assert found is not None
        assert found == result.snapshot
        reading = sources.read(result.name, found.path)
        assert (len(reading.rules), reading.commit, reading.errors) == (4, first, ())
    assert sorted(world.asked) == sorted(
        [
            *(f"api.github.com/repos/{name}/commits" for name in NAMES.values()),
            *(f"github.com/{NAMES[n]}/archive/{first}.tar.gz" for n in list(NAMES)[:4]),
            *(f"codeload.github.com/{NAMES[n]}/tar.gz/{first}" for n in list(NAMES)[:4]),
            f"github.com/{NAMES['attack']}/raw/{first}/{BUNDLE}",
            f"raw.githubusercontent.com/{NAMES['attack']}/{first}/{BUNDLE}",
        ]
    )
    assert {each.step for each in world.progress} == {"ask", "download", "check", "done"}
    assert sum(each.step == "done" for each in world.progress) == 5


def test_progress_counts_the_bytes(world: World) -> None:
    data = archive("sigma", sha("a"), 300)
    world.github.publish("sigma", data, sha("a"))
    world.fetch_one()
    downloads = [each for each in world.progress if each.step == "download"]
    assert [each.total for each in downloads] == [len(data)] * len(downloads)
    counts = [each.done for each in downloads]
    assert counts == sorted(counts)
    assert counts[-1] == len(data)


def test_unchanged_costs_one_small_reply(world: World) -> None:
    commit = world.github.publish("sigma", archive("sigma", sha("a"), 4), sha("a"))
    first = world.fetch_one()
    before = {path: path.stat().st_mtime_ns for path in world.cache.iterdir()}
    del world.internet.requests[:]

    again = world.fetch_one()

    assert str(again) == f"sigma: unchanged, {sha('a')[:12]} of 2026-08-01, 4 rules"
    assert again.snapshot == first.snapshot
    (request,) = world.internet.requests
    assert request.headers["if-none-match"] == commit.etag
    assert {path: path.stat().st_mtime_ns for path in world.cache.iterdir()} == before


def test_known_commit_is_not_downloaded_again(world: World) -> None:
    """GitHub gives another ETag to who shows another token, or none."""
    world.github.publish("sigma", archive("sigma", sha("a"), 4), sha("a"))
    world.fetch_one()
    world.github.publish("sigma", b"", sha("a"), ref="main")
    del world.internet.requests[:]

    again = world.fetch_one(ref="main")

    assert again.state == "unchanged"
    (request,) = world.internet.requests
    assert "if-none-match" not in request.headers  # the name of another question's answer
    assert again.snapshot is not None
    assert again.snapshot.ref == "main"
    assert again.snapshot == cache.snapshot("sigma", world.cache)
    world.fetch_one(ref="main")
    assert "if-none-match" in world.internet.requests[-1].headers


def test_update_replaces(world: World) -> None:
    world.github.publish("sigma", archive("sigma", sha("a"), 4), sha("a"), day=1)
    old = world.fetch_one().snapshot
    world.github.publish("sigma", archive("sigma", sha("b"), 5), sha("b"), day=2)

    result = world.fetch_one()

    assert str(result) == (
        f"sigma: updated, {sha('b')[:12]} of 2026-08-02, 5 rules "
        f"(before: {sha('a')[:12]} of 2026-08-01, 4 rules)"
    )
    assert result.previous == old
    assert result.snapshot == cache.snapshot("sigma", world.cache)
    assert result.snapshot is not None
    assert world.files == [result.snapshot.path.name, "sigma.json"]


def test_ref(world: World) -> None:
    world.github.publish("sigma", archive("sigma", sha("a"), 4), sha("a"))
    world.github.publish("sigma", archive("sigma", sha("r"), 3), sha("r"), ref="r2026/08 & more")
    result = world.fetch_one(ref="r2026/08 & more")
    assert result.snapshot is not None
    assert (result.snapshot.commit, result.snapshot.ref) == (sha("r"), "r2026/08 & more")

    missing = world.fetch_one(ref="nowhere")
    assert missing.snapshot == result.snapshot
    assert missing.error == (
        "https://api.github.com: there is no 'nowhere' in SigmaHQ/sigma (HTTP 404); "
        "see --ref and --url."
    )


def test_mirror_replaces_both_hosts(world: World) -> None:
    world.github.publish("sigma", archive("sigma", sha("a"), 4), sha("a"))
    world.github.publish("attack", bundle(["T1059"]), sha("a"))
    results = world.fetch("sigma", "attack", url=f"https://{MIRROR}/")
    assert [result.state for result in results] == ["created", "created"]
    assert sorted(world.asked) == [
        f"{MIRROR}/SigmaHQ/sigma/archive/{sha('a')}.tar.gz",
        f"{MIRROR}/mitre-attack/attack-stix-data/raw/{sha('a')}/{BUNDLE}",
        f"{MIRROR}/repos/SigmaHQ/sigma/commits",
        f"{MIRROR}/repos/mitre-attack/attack-stix-data/commits",
    ]
    assert not any("authorization" in each.headers for each in world.internet.requests)


def test_what_github_is_asked(world: World) -> None:
    world.github.publish("attack", bundle(["T1059"]), sha("a"), ref="v19")
    world.fetch_one("attack", ref="v19")
    request = world.internet.requests[0]
    assert request.query == {"per_page": "1", "sha": "v19", "path": BUNDLE}
    assert request.headers["authorization"] == f"Bearer {CANARY}"
    assert request.headers["accept"] == "application/vnd.github+json"
    assert re.fullmatch(r"lofp_enrich/\d.*", request.headers["user-agent"])
    assert {each.headers["accept-encoding"] for each in world.internet.requests} == {"identity"}


def test_a_failure_is_no_one_elses(world: World) -> None:
    world.github.publish("sigma", archive("sigma", sha("a"), 4), sha("a"))
    sigma, elastic = world.fetch("sigma", "elastic")
    assert sigma.state == "created"
    assert str(elastic) == (
        "elastic: https://api.github.com: there is no elastic/detection-rules (HTTP 404); "
        "see --ref and --url. There is no older snapshot."
    )
    assert cache.snapshot("elastic", world.cache) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://mirror.example",
        "mirror.example",
        "https://",
        "https://user:secret@mirror.example",
        "https://mirror.example/?a=b",
        "https://mirror.example/#a",
        "https://mirror.example:port",
        "https://[mirror",
        "file:///etc",
    ],
)
def test_url_must_be_plain_https(world: World, url: str) -> None:
    with pytest.raises(LofpError, match=r"^--url: not an https:// address") as caught:
        world.fetch("sigma", url=url)
    assert "secret" not in str(caught.value)
    assert not world.internet.connects


def test_unknown_source(world: World) -> None:
    with pytest.raises(LofpError) as caught:
        world.fetch("sigma", "panther")
    assert str(caught.value) == (
        "panther: cannot be fetched; name one of sigma, elastic, splunk, lolrmm, attack."
    )


def test_a_name_given_twice_is_one(world: World) -> None:
    world.github.publish("sigma", archive("sigma", sha("a"), 4), sha("a"))
    assert len(world.fetch("sigma", "sigma")) == 1
    assert world.fetch() == []
