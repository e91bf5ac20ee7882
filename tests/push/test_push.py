"""Pushes that nothing disturbs, and those that cannot begin."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.deploy.push import push_lookups
from lofp_enrich.deploy.staging import LEASE
from lofp_enrich.errors import LofpError

from .conftest import CANARY, FIELDS, HEADERS, NEW, OLD, QUICK, World, catalogue, rows, to_csv
from .splunkd_rest import Answer, Request, said


def test_a_dry_run_says_what_would_change_and_changes_nothing(world: World) -> None:
    result = world.push(apply=False)
    assert [str(change) for change in result.changes] == [
        "lofp_attack.csv: unchanged, 12 rows",
        "lofp_entries.csv: 2 added, 2 removed, 12 changed; 14 rows before, 14 after",
        "lofp_evidence.csv: 2 added, 2 removed, 0 changed; 5 rows before, 5 after",
        "lofp_ranking.csv: unchanged, 11 rows",
        "lofp_rules.csv: 2 added, 2 removed, 0 changed; 13 rows before, 13 after",
        "lofp_software.csv: 0 added, 0 removed, 9 changed; 9 rows before, 9 after",
        "lofp_techniques.csv: unchanged, 11 rows",
        "lofp_meta.csv: 0 added, 0 removed, 1 changed; 1 rows before, 1 after",
    ]
    assert result
    assert not result.applied
    assert result.version == "0.1.0"
    assert world.uses(OLD)
    changing = [each for each in world.splunk.requests if each.method == "DELETE"]
    changing += [each for each in world.splunk.requests if "/storage/" in each.path]
    changing += [each for each in world.splunk.requests if each.swaps]
    assert changing == []


def test_a_push_brings_the_rows_in_their_order_with_empty_cells_empty(world: World) -> None:
    untouched = {name: world.state.lookups[name] for name in ("lofp_attack.csv", "lofp_local.csv")}
    result = world.push()
    assert result.applied
    assert result.left == ()
    assert world.uses(NEW)
    assert world.state.leftovers == []
    assert {name: world.state.lookups[name] for name in untouched} == untouched
    assert result.requests == len(world.splunk.requests)


def test_a_second_push_has_nothing_to_do(world: World) -> None:
    world.push()
    before = dict(world.state.lookups)
    result = world.push()
    assert not result
    assert world.state.lookups == before
    assert world.state.leftovers == []


def test_no_search_holds_what_a_rule_says(world: World) -> None:
    world.push()
    searches = [each.search for each in world.splunk.requests]
    assert any(searches)
    for spl in searches:
        assert "delete" not in spl
        assert not any(cell in spl for row in NEW["lofp_entries.csv"] for cell in row if cell)


def test_rows_in_another_order_are_a_change(world: World) -> None:
    world.write({**OLD, "lofp_attack.csv": OLD["lofp_attack.csv"][::-1]})
    assert str(world.push(apply=False).changes[0]) == "lofp_attack.csv: 12 rows in another order"
    world.push()
    assert world.uses({**OLD, "lofp_attack.csv": OLD["lofp_attack.csv"][::-1]})


def test_rows_are_sent_in_batches_within_the_limits(world: World) -> None:
    long = rows("lofp_entries.csv", range(1_203))
    for row in long[:6]:
        row[1] = "x" * 2**20
    world.write({**NEW, "lofp_entries.csv": long})
    world.push()
    assert world.uses({**NEW, "lofp_entries.csv": long})
    saved = [each for each in world.splunk.requests if each.path.endswith("batch_save")]
    sizes = [len(json.loads(each.body)) for each in saved if b"_new_lofp_entries_" in each.body]
    assert sum(sizes) == 1_203
    assert max(sizes) == 500
    assert min(sizes) < 10  # those of a mebibyte each
    assert max(len(each.body) for each in saved) < 5 * 2**20


def test_columns_that_are_empty_throughout_stay_columns(world: World) -> None:
    bare = [[*row[:4], "", "", *row[6:]] for row in NEW["lofp_entries.csv"]]
    world.write({**NEW, "lofp_entries.csv": bare})
    world.push()
    assert world.uses({**NEW, "lofp_entries.csv": bare})


@pytest.mark.parametrize("emptied", [OLD, NEW], ids=["old", "new"])
def test_rules_may_be_none_before_or_after(world: World, emptied: Any) -> None:
    old = {**OLD, "lofp_rules.csv": []} if emptied is OLD else OLD
    new = {**NEW, "lofp_rules.csv": []} if emptied is NEW else NEW
    world.install(old)
    world.write(new)
    world.push()
    assert world.uses(new)
    assert not world.push()


def test_a_cluster_that_shows_things_late_is_waited_for(world: World) -> None:
    world.state.lag = 2
    world.push(limits=QUICK.__class__(settle=(0, 1, 2)))
    assert world.uses(NEW)
    assert set(world.sleeps) == {1, 2}
    assert world.state.leftovers == []


def test_what_pushes_that_died_left_is_removed(world: World) -> None:
    world.state.collections["lofp_staging"]["r0_new_lofp_entries_7"] = {
        "_key": "r0_new_lofp_entries_7",
        "lofp_set": "r0_new_lofp_entries",
        "lofp_position": 7,
    }
    world.state.collections["lofp_lock"]["push"] = {
        "_key": "push",
        "run": "r0",
        "host": "cron.example",
        "since": world.state.now - LEASE - 1,
    }
    world.push()
    assert world.uses(NEW)
    assert world.state.leftovers == []


def test_another_push_is_left_alone(world: World) -> None:
    lock = {"_key": "push", "run": "r0", "host": "cron.example", "since": world.state.now - 60}
    world.state.collections["lofp_lock"]["push"] = lock
    world.state.collections["lofp_staging"]["x"] = {"_key": "x", "lofp_set": "r0_new_lofp_entries"}
    text = world.fails()
    assert text == (
        "another push, from cron.example, is at work there since 2027-01-15 07:59 UTC; wait until "
        "it is done. If it died, its lock ends at 2027-01-15 08:29 UTC, or now with --take-over."
    )
    assert sorted(world.state.leftovers) == ["lofp_lock/push", "lofp_staging/x"]
    assert world.uses(OLD)
    world.push(take_over=True)
    assert world.uses(NEW)
    assert world.state.leftovers == []


def test_a_lock_that_comes_and_goes_is_left_alone(world: World) -> None:
    def refuse(request: Request) -> Answer | None:
        if request.path.endswith("/lofp_lock") and request.method == "POST":
            return said(409, "A document with the same key and user already exists.")
        return None

    world.state.extra = refuse
    assert world.fails().startswith("another push was quicker; run lofp-enrich push again")
    assert world.uses(OLD)


def test_of_pushes_at_once_one_is_at_work(world: World) -> None:
    outcomes: list[str] = []

    def run() -> None:
        try:
            with world.door() as door:
                push_lookups(door, world.folder, apply=True)
            outcomes.append("pushed")
        except LofpError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "pushed" in outcomes
    assert all(each == "pushed" or each.startswith("another push") for each in outcomes)
    assert world.uses(NEW)
    assert world.state.leftovers == []


def test_a_search_that_does_not_end_is_ended_before_the_old_rows_return(world: World) -> None:
    world.state.endless = True
    text = world.fails(limits=QUICK.__class__(silence=0.5, tries=1, settle=(0,)))
    assert "no answer in time" in text
    assert "The old lookups are in use again." in text
    world.state.finish_jobs()
    assert world.uses(OLD)
    assert world.state.leftovers == []


def test_a_swap_that_splunk_refuses_is_told_in_its_words(world: World) -> None:
    def refuse(request: Request) -> Answer | None:
        if request.swaps:
            sid = request.form["id"]
            world.state.jobs[sid] = [f"lookup files are read-only here {CANARY}"]
            return 201, {"sid": sid}
        return None

    world.state.extra = refuse
    text = world.fails()
    assert text == (
        "lofp_entries.csv is not what was written (lookup files are read-only here ***). The old "
        "lookups are in use again."
    )
    assert world.state.leftovers == []


def test_rows_that_the_kv_store_loses_stop_the_push(world: World) -> None:
    world.state.fields.remove("license")
    world.state.extra = lambda request: (
        (200, {"entry": [{"content": {"fields_list": ",".join(FIELDS)}}]})
        if "transforms" in request.path
        else None
    )
    text = world.fails()
    assert text == (
        "the rows of lofp_entries.csv did not arrive whole in the KV store. The old lookups are "
        "still in use."
    )
    assert world.uses(OLD)
    assert world.state.leftovers == []


def test_a_read_that_is_cut_off_is_not_taken_for_the_whole(world: World) -> None:
    world.state.most_rows = 12
    assert "lofp_entries.csv has more rows there than splunkd gives at once" in world.fails()
    assert world.uses(OLD)


def test_more_rows_than_a_query_gives_are_not_pushed(world: World) -> None:
    world.write({"lofp_attack.csv": [[f"T{number}", *"nabcd"] for number in range(50_001)]})
    assert "lofp_attack.csv has 50,001 rows; the KV store gives at most 50,000" in world.fails()
    assert world.uses(OLD)
    assert world.state.leftovers == []


def test_a_push_that_takes_too_long_stops_before_its_lock_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lofp_enrich.deploy.staging._ENOUGH", -1.0)
    assert "takes too long" in world.fails()
    assert world.uses(OLD)
    assert world.state.leftovers == []


@pytest.mark.parametrize("swaps", [0, 1, 2])
def test_ctrl_c_puts_the_old_lookups_back(world: World, swaps: int) -> None:
    seen = 0

    def report(line: str) -> None:
        nonlocal seen
        seen += "rows become" in line
        if seen > swaps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), world.door() as door:
        push_lookups(door, world.folder, apply=True, report=report)
    assert world.uses(OLD)
    assert world.state.leftovers == []


def _change(**changes: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        for name, value in changes.items():
            setattr(world.state, name, value)

    return change


def _remove(name: str) -> Callable[[World], None]:
    return lambda world: (world.folder / name).unlink()


def _put(name: str, text: bytes) -> Callable[[World], object]:
    return lambda world: (world.folder / name).write_bytes(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _change(capabilities=["search"]),
            "the user svc lofp lacks the capability input_file, output_file; give it to one of the "
            "roles of that user, or use the token of another one.",
        ),
        (
            _change(app={}),
            "the app lofp_enrich is not installed there; install the archive that lofp-enrich "
            "package makes, or name the app with --app.",
        ),
        (
            _change(app={"version": "0.1.0", "disabled": True}),
            "the app lofp_enrich is disabled there; enable it first.",
        ),
        (
            _change(fields=[]),
            "the app installed there (0.1.0) does not take the lookups of lofp-enrich 0.1.0; "
            "install the app of the same version.",
        ),
        (
            _change(fields=[*FIELDS, "another"]),
            "the app installed there (0.1.0) does not take the lookups of lofp-enrich 0.1.0; "
            "install the app of the same version.",
        ),
        (
            lambda world: world.state.lookups.pop("lofp_meta.csv"),
            "the app installed there has no lofp_meta.csv; install the app again.",
        ),
        (
            _change(private={"lofp_rules.csv"}),
            "lofp_rules.csv of the app is hidden from the user svc lofp by another file of that "
            "name (app lofp_enrich, owner svc lofp); remove that one.",
        ),
        (
            lambda world: world.state.lookups.update({"lofp_meta.csv": b"source,mine\nsigma,1\n"}),
            "lofp_meta.csv has a column mine there that is not ours and would be lost; remove it, "
            "or install the app again. The old lookups are still in use.",
        ),
        (
            _remove("lofp_rules.csv"),
            "{folder}/lofp_rules.csv cannot be read (No such file or directory); run lofp-enrich "
            "build first.",
        ),
        (
            _put("lofp_rules.csv", b"a,b\n"),
            "{folder}/lofp_rules.csv has other columns than this version of lofp-enrich writes; "
            "run lofp-enrich build again.",
        ),
        (
            _put("lofp_attack.csv", to_csv("lofp_attack.csv", []) + b"T1,x\n"),
            "{folder}/lofp_attack.csv: row 2 has 2 cells instead of 6; run lofp-enrich build "
            "again.",
        ),
        (
            _put("lofp_attack.csv", to_csv("lofp_attack.csv", []) + b"\xff,,,,,\n"),
            "{folder}/lofp_attack.csv is damaged ('utf-8' codec can't decode byte 0xff in position "
            "49: invalid start byte); run lofp-enrich build again.",
        ),
        (
            _put("lofp_entries.csv", to_csv("lofp_entries.csv", [])),
            "{folder}/lofp_entries.csv has no rows; run lofp-enrich build again.",
        ),
    ],
)
def test_a_push_that_cannot_begin_says_why(
    world: World, change: Callable[[World], object], message: str
) -> None:
    change(world)
    before = dict(world.state.lookups)
    assert world.fails() == message.format(folder=world.folder)
    assert world.state.lookups == before
    assert world.state.leftovers == []


def test_what_is_no_entity_is_no_splunkd(world: World) -> None:
    world.state.extra = lambda request: (200, {"entry": []})
    assert world.fails() == "splunkd gives an answer of an unknown form; look at --url."


def test_a_failed_read_is_told_in_splunks_words(world: World) -> None:
    def fail(request: Request) -> Answer | None:
        if request.search:
            status, document = said(200, f"it failed {CANARY}", "FATAL")
            return status, {**document, "results": []}
        return None

    world.state.extra = fail
    assert world.fails(apply=False) == "a search failed there (it failed ***)."


def test_the_app_has_what_a_push_needs() -> None:
    conf = Path(__file__).resolve().parents[2] / "splunk_app" / "default"
    listed = _stanza(conf / "transforms.conf", "lofp_staging")["fields_list"]
    assert sorted(listed.split(", ")) == sorted(FIELDS)
    collection = _stanza(conf / "collections.conf", "lofp_staging")
    # Without its type, a field in `where` selects nothing.
    assert collection["field.lofp_set"] == "string"
    assert collection["field.lofp_position"] == "number"
    for column in {column for header in HEADERS.values() for column in header}:
        assert collection[f"field.{column}"] == "string"
    assert _stanza(conf / "collections.conf", "lofp_lock")["field.since"] == "number"


def _stanza(path: Path, name: str) -> dict[str, str]:
    _, found, rest = path.read_text("utf-8").partition(f"\n[{name}]\n")
    assert found, f"{path.name} has no stanza {name}"
    lines = (line.partition("=") for line in rest.partition("\n[")[0].splitlines())
    return {key.strip(): value.strip() for key, equals, value in lines if equals}


def test_the_catalogues_of_these_tests_differ() -> None:
    assert catalogue("a") == OLD
    assert OLD != NEW
    assert CANARY
