"""The folder of snapshots: where it is, and that its two files never disagree."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lofp_enrich.errors import LofpError
from lofp_enrich.snapshots import cache

from .conftest import CANARY, World
from .github import API, CODELOAD, archive, member, rule, sha, tar
from .internet import Exchange

OLD, NEW = sha("old"), sha("new")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/var/cache/me", "/var/cache/me/lofp_enrich"),
        ("relative", "~/.cache/lofp_enrich"),
        ("", "~/.cache/lofp_enrich"),
        (None, "~/.cache/lofp_enrich"),
    ],
)
def test_default_folder(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache.default_folder() == Path(expected.replace("~", "/home/me"))


@pytest.fixture
def ready(world: World) -> World:
    """A world with one snapshot, and a newer commit to fetch."""
    world.github.publish("sigma", archive("sigma", OLD, 4), OLD, day=1)
    world.fetch_one()
    world.github.publish("sigma", archive("sigma", NEW, 4), NEW, day=2)
    return world


def test_nothing_there(tmp_path: Path) -> None:
    assert cache.snapshot("sigma", tmp_path) is None
    assert cache.snapshot("sigma", tmp_path / "no folder") is None
    (tmp_path / "file").touch()
    assert cache.snapshot("sigma", tmp_path / "file") is None


def test_required(ready: World) -> None:
    assert cache.required("sigma", ready.cache) == cache.snapshot("sigma", ready.cache)
    with pytest.raises(LofpError) as caught:
        cache.required("elastic", ready.cache)
    assert str(caught.value) == (
        f"elastic: no snapshot in {ready.cache}; run lofp-enrich fetch elastic, or say where its "
        "rules are: --source elastic=PATH."
    )


def test_metadata_is_for_people_too(ready: World) -> None:
    known = json.loads((ready.cache / "sigma.json").read_text())
    assert list(known) == [
        *("archive", "asked", "commit", "date", "etag", "ref", "rules", "sha256"),
    ]
    assert (known["commit"], known["date"], known["rules"]) == (OLD, "2026-08-01", 4)
    assert (ready.cache / known["archive"]).is_file()
    modes = {path.name: path.stat().st_mode & 0o777 for path in ready.cache.iterdir()}
    assert modes[known["archive"]] == modes["sigma.json"] == 0o644


@pytest.mark.parametrize(
    "known",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        "{}",
        {"commit": 1},
        {"commit": "HEAD"},
        {"rules": "4"},
        {"archive": "../secret"},
        {"archive": "/etc/passwd"},
        {"archive": None},
        {"archive": f"sigma-{OLD}-{0:016}.tar.gz"},
        {"sha256": "0" * 64},
        {"sha256": "/../../x"},
    ],
)
def test_metadata_that_is_damaged(ready: World, known: str | dict[str, object]) -> None:
    path = ready.cache / "sigma.json"
    if isinstance(known, dict):
        known = json.dumps({**json.loads(path.read_text()), **known})
    path.write_text(known)
    assert cache.snapshot("sigma", ready.cache) is None
    assert ready.fetch_one().state == "created"
    assert len(ready.files) == 2


@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_archive_that_is_damaged(ready: World, damage: str) -> None:
    found = cache.snapshot("sigma", ready.cache)
    assert found is not None
    data = found.path.read_bytes()
    found.path.unlink()
    if damage != "gone":
        found.path.write_bytes(data[:-1] + (b"" if damage == "cut" else b"x"))
    assert cache.snapshot("sigma", ready.cache) is None
    ready.github.publish("sigma", archive("sigma", OLD, 4), OLD, day=1)
    assert ready.fetch_one().state == "created"  # though the commit is the same
    assert found == cache.snapshot("sigma", ready.cache)


def test_only_our_files_are_swept(ready: World) -> None:
    theirs = ["notes.txt", "sigma.tar.gz", f"sigma-{OLD}.tar.gz", "elastic.json", ".hidden"]
    ours = [f"sigma-{OLD}-{0:016x}.tar.gz", ".sigma.part-abc.tar.gz", ".sigma.json.xyz"]
    for name in theirs + ours:
        (ready.cache / name).touch()
    ready.fetch_one()
    names = {path.name for path in ready.cache.iterdir()}
    assert names >= set(theirs)
    assert not names & set(ours)


def test_unwritable(world: World) -> None:
    """Root may write everywhere, so: where no folder can be."""
    world.cache.touch()
    world.github.publish("sigma", archive("sigma", OLD, 4), OLD)
    result = world.fetch_one(report=lambda progress: None)
    world.cache.unlink()
    assert result.error == (
        f"{world.cache}: cannot be written (File exists); mend that or name another folder with "
        "--cache."
    )
    assert world.asked == []


def test_unreadable(tmp_path: Path) -> None:
    (tmp_path / "sigma.json").mkdir()
    with pytest.raises(LofpError, match=r"the snapshot of sigma cannot be read \(Is a directory\)"):
        cache.snapshot("sigma", tmp_path)


@contextmanager
def no_file_longer_than(number: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_disk_full(ready: World) -> None:
    """The system refuses to write on, in the middle of the archive."""
    old, files = cache.snapshot("sigma", ready.cache), ready.files
    top = f"sigma-{NEW}"
    rules = [rule("sigma", number) for number in range(4)]
    noise = member(f"{top}/noise.bin", os.urandom(200_000))
    data = tar([noise, *(member(f"{top}/{path}", text) for path, text in rules)], NEW)
    ready.github.publish("sigma", data, NEW)
    with no_file_longer_than(100_000):
        result = ready.fetch_one()
    assert result.error == (
        f"{ready.cache}: cannot be written (File too large); mend that or name another folder with "
        "--cache."
    )
    assert result.snapshot == old == cache.snapshot("sigma", ready.cache)
    assert ready.files == files
    assert ready.sleeps == []
    assert ready.fetch_one().state == "updated"


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process that fetches; it gets the environment of the test."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    with process:
        out, err = process.communicate(timeout=15)
    assert CANARY not in out + err
    assert err == ""
    return out


FETCH = """
    import sys
    from pathlib import Path
    from lofp_enrich.snapshots.fetch import fetch_all
    print(fetch_all(["sigma"], Path(sys.argv[1]))[0].state)
"""


def test_two_processes_at_once(ready: World) -> None:
    """One downloads, the other waits for it and finds that there is nothing to do."""
    processes = [python(FETCH, str(ready.cache)) for _ in range(2)]
    assert sorted(output_of(process) for process in processes) == ["unchanged\n", "updated\n"]
    assert (
        sum(f"codeload.github.com/SigmaHQ/sigma/tar.gz/{NEW}" == each for each in ready.asked) == 1
    )
    found = cache.snapshot("sigma", ready.cache)
    assert found is not None
    assert ready.files == [found.path.name, "sigma.json"]


def test_waits_for_another_process_but_not_for_ever(ready: World) -> None:
    with cache.locked("sigma", ready.cache, ready.said.append, ready.sleeps.append):
        result = ready.fetch_one()
    assert result.error.startswith(f"another fetch has been at work in {ready.cache} for more than")
    assert ready.notes == [f"another fetch is at work in {ready.cache}"]
    assert sum(ready.sleeps) == pytest.approx(600)
    assert ready.fetch_one().state == "updated"


CRASH = """
    import os, sys
    from pathlib import Path
    from lofp_enrich.snapshots.fetch import fetch_all

    cache = sys.argv[1]
    left = int(sys.argv[2])

    def die(event, arguments):
        # Before each step that touches the folder; what was done by then is what is left.
        global left
        if event in ("open", "os.rename", "os.remove", "os.chmod", "tempfile.mkstemp"):
            if any(isinstance(each, (str, Path)) and cache in str(each) for each in arguments):
                left -= 1
                if left < 0:
                    os._exit(9)

    for number in range(100):
        left = number
        child = os.fork()
        if child == 0:
            sys.addaudithook(die)
            fetch_all(["sigma"], Path(cache))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)
        sys.stdin.readline()
        if code == 0:
            break
"""


def test_killed_at_any_moment(ready: World) -> None:
    """The loop ends with the first run that is not killed any more."""
    states = []
    old = cache.snapshot("sigma", ready.cache)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CRASH), str(ready.cache), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        for code in process.stdout:
            assert code in ("0\n", "9\n")
            found = cache.snapshot("sigma", ready.cache)
            assert found is not None
            assert found.commit in (OLD, NEW)
            states.append(found.commit)
            if found.commit == NEW:
                break
            assert found == old
            process.stdin.write("\n")
            process.stdin.flush()
        process.stdin.close()
    assert len(states) > 8, "the moments that were tried"
    assert ready.fetch_one().state == "unchanged"
    assert len(ready.files) == 2


def test_ctrl_c(ready: World) -> None:
    """Ends a wait of minutes, and leaves nothing."""
    files = ready.files
    ready.github.fault(API, lambda exchange: exchange.answer(429, {"Retry-After": "100"}))
    code = """
        import sys
        from pathlib import Path
        from lofp_enrich.snapshots.fetch import fetch_all
        try:
            fetch_all(["sigma"], Path(sys.argv[1]), report=lambda p: print(p.step, flush=True))
        except KeyboardInterrupt:
            print("stopped")
    """
    process = python(code, str(ready.cache))
    assert process.stdout is not None
    while process.stdout.readline() != "wait\n":
        pass
    start = time.monotonic()
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
            break
        # Python drops an interrupt that falls into a finaliser; a person presses again.
    assert output_of(process) == "done\nstopped\n"
    assert time.monotonic() - start < 30
    assert ready.files == files


def test_killed_in_a_download(ready: World) -> None:
    """The part that is left behind goes with the next fetch."""

    def half(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": "99999"})
        exchange.send(bytes(40_000))
        exchange.closing.wait(20)

    ready.github.fault(CODELOAD, half)
    process = python(FETCH, str(ready.cache))
    deadline = time.monotonic() + 10
    while not any(path.stat().st_size for path in ready.cache.glob(".sigma.part-*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    with process:
        process.communicate(timeout=15)
    assert cache.snapshot("sigma", ready.cache) is not None
    assert list(ready.cache.glob(".sigma.part-*"))
    assert ready.fetch_one().state == "updated"
    assert not list(ready.cache.glob(".sigma.part-*"))
