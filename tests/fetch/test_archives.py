"""Archives that must not replace the last one, and those that may."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from lofp_enrich import sources
from lofp_enrich.snapshots import cache, verify
from lofp_enrich.snapshots.fetch import Limits

from .conftest import World
from .github import archive, bundle, link, member, rule, sha, tar

OLD, NEW = sha("old"), sha("new")
TOP = f"sigma-{NEW}"
RULES = [member(f"{TOP}/{path}", text) for path, text in (rule("sigma", n) for n in range(40))]


@pytest.fixture
def ready(world: World) -> World:
    """A world in which 40 rules are in use."""
    world.github.publish("sigma", archive("sigma", OLD, 40), OLD, day=1)
    world.fetch_one()
    return world


def bomb() -> bytes:
    """A file of zeros, 400 times as large as its archive."""
    return tar([*RULES, member(f"{TOP}/rules/zeros.yml", bytes(8 * 2**20))], NEW)


def bomb_behind_the_end() -> bytes:
    """Zeros that tar does not look at, after the archive's end."""
    return gzip.compress(gzip.decompress(tar(RULES, NEW)) + bytes(8 * 2**20), mtime=0)


def cut_between_files() -> bytes:
    """Well-formed gzip of a tar archive that ends after its twentieth file."""
    whole = gzip.decompress(tar(RULES, NEW))
    with tarfile.open(fileobj=io.BytesIO(whole)) as opened:
        return gzip.compress(whole[: opened.getmembers()[20].offset], mtime=0)


def device() -> bytes:
    info = tarfile.TarInfo(f"{TOP}/rules/null.yml")
    info.type = tarfile.CHRTYPE
    return tar([*RULES, (info, b"")], NEW)


LEADS_OUT = "the download holds names or links that lead out of it; refused."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bomb(), "the download unpacks to more than any rule archive does; refused."),
        (
            bomb_behind_the_end(),
            "the download unpacks to more than any rule archive does; refused.",
        ),
        (tar([*RULES, member(f"{TOP}/../../evil.yml", "x")], NEW), LEADS_OUT),
        (tar([*RULES, member(f"{TOP}/rules/../evil.yml", "x")], NEW), LEADS_OUT),
        (tar([*RULES, member("../evil.yml", "x")], NEW), LEADS_OUT),
        (tar([*RULES, member("/etc/evil.yml", "x")], NEW), LEADS_OUT),
        (tar([*RULES, member("C:/evil.yml", "x")], NEW), LEADS_OUT),
        (tar([*RULES, member(f"{TOP}\\..\\..\\evil.yml", "x")], NEW), LEADS_OUT),
        (tar([*RULES, link(f"{TOP}/rules/evil.yml", "/etc/passwd")], NEW), LEADS_OUT),
        (tar([*RULES, link(f"{TOP}/rules/evil.yml", "../../../passwd")], NEW), LEADS_OUT),
        (tar([*RULES, link(f"{TOP}/a.yml", f"{TOP}/b.yml", tarfile.LNKTYPE)], NEW), LEADS_OUT),
        (tar([*RULES, link(f"{TOP}/a.yml", "", tarfile.FIFOTYPE)], NEW), LEADS_OUT),
        (device(), LEADS_OUT),
        (archive("sigma", OLD, 40), f"the download is no archive of commit {NEW[:12]}; see --url."),
        (tar([*RULES, member("another/a.yml")], NEW), "the download is no archive of commit"),
        (tar([*RULES, member("a.yml")], NEW), "the download is no archive of commit"),
        (tar([member(f"{TOP}/README.md")], NEW), "the download holds no rule that can be read;"),
        (
            archive("sigma", NEW, 10),
            "the download has 10 rules, less than half of the last one's 40; if that is right, "
            "delete {cache}/sigma.json and fetch again.",
        ),
        (archive("sigma", NEW, 19), "the download has 19 rules, less than half"),
    ],
)
def test_refused(ready: World, data: bytes, message: str) -> None:
    old = cache.snapshot("sigma", ready.cache)
    files = ready.files
    ready.github.publish("sigma", data, NEW, day=2)

    result = ready.fetch_one()

    assert message.format(cache=ready.cache) in result.error
    assert str(result).endswith(f"Still in use: {OLD[:12]} of 2026-08-01, 40 rules.")
    assert result.snapshot == old == cache.snapshot("sigma", ready.cache)
    assert ready.files == files
    assert ready.sleeps == []
    assert not list(ready.cache.parent.rglob("evil*"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (cut_between_files(), "the archive has no end"),
        (tar([], NEW), "ReadError"),
        (gzip.compress(b"no tar", mtime=0), "ReadError"),
        (gzip.compress(b"", mtime=0), "ReadError"),
        (tar(RULES, NEW) + b"more", "BadGzipFile"),
    ],
    ids=["cut", "empty tar", "no tar", "nothing", "more after the end"],
)
def test_damaged_however_often(ready: World, data: bytes, reason: str) -> None:
    files = ready.files
    ready.github.publish("sigma", data, NEW, day=2)
    result = ready.fetch_one()
    assert result.error == (
        f"the download is damaged ({reason}), 5 times in a row; try again later, or ask who runs "
        "your network."
    )
    assert len(ready.sleeps) == 4
    assert ready.files == files


def test_half_of_the_rules_is_enough(ready: World) -> None:
    ready.github.publish("sigma", archive("sigma", NEW, 20), NEW, day=2)
    assert ready.fetch_one().state == "updated"


def test_what_it_says_to_do_helps(ready: World) -> None:
    ready.github.publish("sigma", archive("sigma", NEW, 10), NEW, day=2)
    assert ready.fetch_one().state == "failed"
    (ready.cache / "sigma.json").unlink()
    result = ready.fetch_one()
    assert str(result) == f"sigma: created, {NEW[:12]} of 2026-08-02, 10 rules"
    assert len(ready.files) == 2  # the archive that nothing names any more is gone


def test_links_that_stay_inside(ready: World) -> None:
    """Are no reason to refuse; they are not followed, and a rule behind one is reported."""
    links = [link(f"{TOP}/rules/again.yml", "linux/odd_0.yml"), link(f"{TOP}/docs", ".")]
    ready.github.publish("sigma", tar([*RULES, *links], NEW), NEW, day=2)
    result = ready.fetch_one()
    assert result.snapshot is not None
    assert result.snapshot.rules == 40
    (error,) = sources.read("sigma", result.snapshot.path).errors
    assert "link" in str(error)


def test_an_odd_rule_is_no_reason(ready: World) -> None:
    odd = member(f"{TOP}/rules/odd.yml", "title: [\n")
    ready.github.publish("sigma", tar([*RULES, odd], NEW), NEW, day=2)
    assert ready.fetch_one().state == "updated"


def test_git_alone_may_tell_the_commit(ready: World) -> None:
    """A mirror may name the top folder as it likes."""
    named = [member(f"sigma/{path}", text) for path, text in (rule("sigma", n) for n in range(40))]
    ready.github.publish("sigma", tar(named, NEW), NEW, day=2)
    assert ready.fetch_one().state == "updated"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>", "the download is no JSON; fetch or copy it again."),
        (b"[]", "the download holds no ATT&CK technique;"),
        (b'{"objects": 1}', "the download holds no ATT&CK technique;"),
        (b"[" * 100_000, "the download is no JSON;"),
        (b"\xff\xfe", "the download is no JSON;"),
        (bundle(["T1059"]), "the download has 1 techniques, less than half of the last one's 4;"),
    ],
)
def test_bundle_refused(world: World, data: bytes, message: str) -> None:
    world.github.publish("attack", bundle(["T1001", "T1002", "T1003", "T1004"]), OLD)
    old = world.fetch_one("attack").snapshot
    world.github.publish("attack", data, NEW)
    result = world.fetch_one("attack")
    assert message in result.error
    assert result.snapshot == old == cache.snapshot("attack", world.cache)


@pytest.mark.corpora
def test_real_archives(world: World, shared: Path) -> None:
    expected = {"sigma": 3780, "splunk": 1613}
    for name in expected:
        data = (shared / "corpora" / f"{name}.tar.gz").read_bytes()
        world.github.publish(name, data, commit_of(shared / "corpora" / f"{name}.tar.gz"))
    results = world.fetch(*expected, limits=Limits())
    assert {
        result.name: result.snapshot and result.snapshot.rules for result in results
    } == expected


@pytest.mark.corpora
def test_largest_real_archive(shared: Path) -> None:
    """Its rules are counted where `sources` is tested; that takes as long as all else here."""
    path = shared / "corpora" / "elastic.tar.gz"
    verify.check_tar(path, commit_of(path))


def commit_of(path: Path) -> str:
    with tarfile.open(path) as opened:
        first = opened.next()
    assert first is not None
    return first.name.split("/")[0][-40:]
