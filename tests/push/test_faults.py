"""A push that fails at every single request in turn, in every way there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lofp_enrich.deploy.client import Limits
from lofp_enrich.deploy.push import Pushed
from lofp_enrich.deploy.staging import LEASE
from lofp_enrich.errors import LofpError
from tests.fetch.certificates import Authority

from .conftest import HEADERS, OLD, ONCE, World, catalogue, clear_environment, made_world
from .splunkd_rest import AFTER, BEFORE, Answer, Fault, Request, said

FOREVER = float("inf")
WAITING = ("hang", "late")
FIRST_CHANGE = 3 + len(HEADERS)
"""The number of the first request that changes something there: it takes the lock, once it is known
that each lookup file is there."""
CHANGED = ("lofp_entries.csv", "lofp_meta.csv")
NEW = {**OLD, **{name: catalogue("b", first=2)[name] for name in CHANGED}}


def _requests(authority: Authority, certificate: Path, folder: Path) -> int:
    with _world(authority, certificate, folder) as world:
        total = world.push(limits=ONCE).requests
        assert str(world.splunk.requests[FIRST_CHANGE]).endswith("/lofp_lock")
    return total


@contextmanager
def _world(
    authority: Authority, certificate: Path, folder: Path, fault: Fault | None = None
) -> Iterator[World]:
    with made_world(authority, certificate, folder, fault) as world:
        world.write(NEW)
        yield world


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear_environment(monkeypatch, tmp_path)


def _attempt(world: World, limits: Limits) -> tuple[Pushed | None, str]:
    try:
        return world.push(limits=limits), ""
    except LofpError as error:
        return None, str(error)


def _check(world: World, pushed: Pushed | None, text: str) -> None:
    """The old or the new lookups, whole; and nothing left behind that is not named."""
    whole = {name: _which(world, name) for name in HEADERS}
    assert all(whole.values()), whole
    if pushed:
        assert world.uses(NEW)
    elif "could not all be put back" in text:
        for name, is_ in re.findall(r"(\w+\.csv) is (old|new|not known)", text):
            assert is_ in (*whole[name], "not known")
    else:
        assert world.uses(OLD), text
    left = ", ".join(pushed.left) if pushed else text
    ended = [*world.state.jobs] if world.splunk.fault and world.splunk.fault.kind == "404" else []
    for leftover in world.state.leftovers:
        if leftover in ended:  # told that it is not there, one cannot know better
            continue
        kind, _, _ = leftover.partition("/")
        named = {"lofp_staging": "staged rows", "lofp_lock": "a lock"}.get(kind, leftover)
        assert named in left, f"{leftover}: {left}"


def _which(world: World, name: str) -> list[str]:
    states = [("old", OLD), ("new", NEW)]
    return [word for word, tables in states if world.uses({name: tables[name]})]


def _check_repair(world: World) -> None:
    """The next push, when the lock has ended, brings all to the new state and cleans up."""
    world.splunk.fault = None
    world.state.now += LEASE + 1
    assert world.push().left == ()
    assert world.uses(NEW)
    # A search that could not be removed goes by itself after a minute.
    assert [each for each in world.state.leftovers if "/" in each] == []


def _try(
    authority: Authority,
    certificate: Path,
    folder: Path,
    fault: Fault,
    limits: Limits,
    repair: bool = True,
) -> str:
    with _world(authority, certificate, folder, fault) as world:
        pushed, text = _attempt(world, limits)
        _check(world, pushed, text)
        left = bool(world.state.leftovers)
        if left and repair:
            _check_repair(world)
    return "left" if left else "new" if pushed else "old"


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("kind", [*BEFORE, *AFTER])
def test_one_fault_at_each_request(
    kind: str, authority: Authority, certificate: Path, tmp_path: Path
) -> None:
    total = _requests(authority, certificate, tmp_path / "all")
    limits = Limits(connect=5, silence=0.4 if kind in WAITING else 5, tries=1, settle=(0,))

    def attempt(number: int) -> str:
        folder = tmp_path / str(number)
        return _try(authority, certificate, folder, Fault(kind, number), limits)

    with ThreadPoolExecutor(max_workers=8 if kind in WAITING else 1) as pool:
        # What changes nothing has no work that could be done before the fault.
        first = FIRST_CHANGE if kind in (*AFTER, *WAITING) else 0
        outcomes = [*pool.map(attempt, range(first, total))]
    assert outcomes[0] == "old"
    # Only in the clean-up of a push that succeeds, and of its searches, can anything be left.
    left = [number for number, outcome in enumerate(outcomes) if outcome == "left"]
    if kind not in WAITING:
        assert len(left) <= (0 if kind in AFTER else 4)


@pytest.mark.usefixtures("quiet")
def test_an_answer_that_is_lost_is_asked_for_again(
    authority: Authority, certificate: Path, tmp_path: Path
) -> None:
    total = _requests(authority, certificate, tmp_path / "all")
    limits = Limits(connect=5, silence=5, tries=3, settle=(0,))
    for number in range(FIRST_CHANGE, total):
        fault = Fault("lost", number)
        outcome = _try(authority, certificate, tmp_path / str(number), fault, limits)
        assert outcome == "new", number


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("kind", ["401", "lost"])
def test_splunkd_goes_away_at_each_request_and_stays_away(
    kind: str, authority: Authority, certificate: Path, tmp_path: Path
) -> None:
    total = _requests(authority, certificate, tmp_path / "all")
    for number in range(total):
        fault = Fault(kind, number, FOREVER)
        folder = tmp_path / str(number)
        _try(authority, certificate, folder, fault, ONCE, repair=number % 3 == 0)


@pytest.mark.usefixtures("quiet")
def test_splunkd_goes_away_between_swaps_for_a_while(
    authority: Authority, certificate: Path, tmp_path: Path
) -> None:
    with _world(authority, certificate, tmp_path / "all") as world:
        world.push(limits=ONCE)
        swaps = [number for number, each in enumerate(world.splunk.requests) if each.swaps]
    for number in swaps:
        with _world(authority, certificate, tmp_path / str(number)) as world:
            world.splunk.fault = Fault("lost", number, FOREVER)
            pushed, text = _attempt(world, ONCE)
            _check(world, pushed, text)
            assert "could not all be put back: lofp_entries.csv is not known" in text
            assert "run lofp-enrich push --apply once more" in text
            _check_repair(world)


@pytest.mark.usefixtures("quiet")
def test_a_part_of_the_restore_that_fails_is_told_file_by_file(
    authority: Authority, certificate: Path, tmp_path: Path
) -> None:
    with _world(authority, certificate, tmp_path / "lookups") as world:
        done = 0

        def refuse(request: Request) -> Answer | None:
            nonlocal done
            done += request.swaps
            # The first file changes; from then on Splunk writes no lookup.
            return said(403, "no space left") if request.swaps and done > 1 else None

        world.state.extra = refuse
        pushed, text = _attempt(world, ONCE)
        _check(world, pushed, text)
        assert "answers HTTP 403 (no space left)" in text
        assert (
            "The old lookups could not all be put back: lofp_entries.csv is new, lofp_meta.csv is "
            "old. Each file is whole." in text
        )
        world.state.extra = None
        _check_repair(world)
