"""What `status` finds there and here."""

from __future__ import annotations

from datetime import date

import pytest

from lofp_enrich.deploy.status import Provenance, SourceStatus, Status, status_of
from lofp_enrich.errors import LofpError

from .conftest import NEW, OLD, World


def _status(world: World) -> Status:
    with world.door() as door:
        return status_of(door, world.folder)


def test_sources_there_and_here(world: World) -> None:
    row = ["c" * 40, "2026-08-01", "DRL-1.1", "13", "14"]
    newer = ["d" * 40, "2026-08-09", "DRL-1.1", "15", "16"]
    undated = ["", "", "Apache-2.0", "0", "900"]
    there = [["elastic", *row], ["entries", *undated], ["sigma", *row], ["splunk", *newer]]
    here = [["entries", *undated], ["escu", *undated], ["sigma", *newer], ["splunk", *row]]
    world.install({**OLD, "lofp_meta.csv": there})
    world.write({**NEW, "lofp_meta.csv": here})
    found = _status(world)
    assert found
    assert (found.app, found.version) == ("lofp_enrich", "0.1.0")
    assert {each.source: each.verdict for each in found.sources} == {
        "elastic": "only there",
        "entries": "same",
        "escu": "only here",
        "sigma": "newer here",
        "splunk": "older here",
    }
    elastic = found.sources[0].there
    assert elastic == Provenance("c" * 40, "2026-08-01", "13", "14")
    assert elastic.age(date(2026, 8, 11)) == 10
    assert Provenance("", "", "0", "900").age(date(2026, 8, 11)) is None


def test_the_same_commit_of_other_rules_differs() -> None:
    one, other = (Provenance("c", "2026-08-01", rules, "1") for rules in "12")
    assert SourceStatus("sigma", one, other).verdict == "differs"


def test_nothing_here_is_not_an_error(world: World) -> None:
    (world.folder / "lofp_meta.csv").unlink()
    (source,) = _status(world).sources
    assert (source.verdict, source.here) == ("only there", None)


def test_after_a_push_nothing_differs(world: World) -> None:
    assert _status(world)
    world.push()
    assert not _status(world)


def test_it_needs_no_capability_to_write(world: World) -> None:
    world.state.capabilities.remove("output_file")
    world.state.fields.clear()
    assert _status(world)
    world.state.capabilities.remove("input_file")
    with pytest.raises(LofpError, match="lacks the capability input_file;"):
        _status(world)
    assert len(world.splunk.requests) == 4
