"""The built command under splunkd's protocol: every chunk answered, no event touched.

The emulator itself fails a test where a frame is malformed, a reply is missing or surplus, the
finished flag is wrong, an event cannot be merged, or anything is on standard error.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import sent_to_indexers
from tests.splunkd import Event, FakeSplunkd, canonical

BRIEF = {
    "lofp_status",
    "lofp_count",
    "lofp_statement",
    "lofp_evidence",
    "lofp_match",
    "lofp_rule",
    "lofp_entry_id",
}
FULL = BRIEF | {
    f"lofp_{name}"
    for name in (
        "because",
        "software",
        "check",
        "against",
        "kind",
        "score",
        "technique",
        "technique_in",
        "source",
        "url",
        "why",
        "techniques",
        "read",
    )
}
NOT_PARALLEL = {
    f"lofp_{name}" for name in ("status", "count", "technique_in", "techniques", "read")
}
AWKWARD: Event = {
    "_raw": 'a "quoted", text\nwith $lines$;$and\ttabs \r\n and \r alone',
    "_time": "1599171244.277",
    "many": ["$", "$$;$", "a\nb", "", "ü", "日本", "\U0001f600"],
    "two words": "x",
    "user{}.name": ["one", "two"],
    "ünïcode": "é",
    "blank": " ",
}


@pytest.fixture
def technique(splunkd: FakeSplunkd) -> str:
    """The technique that the app explains best."""
    path = splunkd.app / "lookups" / "lofp_techniques.csv"
    with path.open(encoding="utf-8", newline="") as file:
        counts = Counter(row["technique"] for row in csv.DictReader(file))
    name, count = counts.most_common(1)[0]
    assert count > 1
    return name


@pytest.fixture
def events(technique: str) -> list[Event]:
    """With an explanation, without, in every order; fields that not every event has."""
    return [
        {**AWKWARD, "n": "0"},
        {"technique_id": technique, "n": "1"},
        {"technique_id": [technique, "T0000"], "n": "2", "search_name": "Some rule"},
        {"annotations.mitre_attack": ["TA0002", "Execution"], "n": "3"},
        {**AWKWARD, "technique_id": technique, "n": "4"},
        {"n": "5"},
    ]


STATUSES = ["no_technique", "matched", "matched", "no_technique", "matched", "no_technique"]
"""Of `events`, in order."""


def _without_output(events: list[Event]) -> list[Event]:
    return [
        {name: value for name, value in event.items() if not name.startswith("lofp_")}
        for event in events
    ]


def _outputs(events: list[Event]) -> list[Event]:
    return [
        {name: value for name, value in event.items() if name.startswith("lofp_")}
        for event in events
    ]


def _lists(event: Event) -> dict[str, list[str]]:
    lists = {}
    for name in FULL - {
        "lofp_status",
        "lofp_count",
        "lofp_technique_in",
        "lofp_techniques",
        "lofp_read",
    }:
        value = event.get(name, [])
        lists[name] = [value] if isinstance(value, str) else value
    return lists


ACTORS: list[Event] = [
    {
        "TargetObject": "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x",
        "Details": "C:\\Program Files\\Zoom\\bin\\Zoom.exe",
    },
    {"eventName": "CreateRole", "userIdentity.invokedBy": "cloudformation.amazonaws.com"},
    {"eventName": "CreateRole", "sourceIPAddress": "cloudformation.amazonaws.com"},
    {"ServiceName": "x", "ImagePath": "C:\\Program Files\\Tanium\\Tanium Client\\TaniumClient.exe"},
]


def test_narrow_asks_for_what_evidence_needs(splunkd: FakeSplunkd) -> None:
    alerts: list[Event] = [{**each, "technique_id": "T1112"} for each in ACTORS]
    search = "| lofpenrich kind=actor output=full narrow={}"
    narrow = splunkd.search(search.format("t"), alerts).events
    assert narrow == splunkd.search(search.format("f"), alerts).events
    assert [event["lofp_match"] for event in narrow] == ["software"] * len(ACTORS)


def test_no_events_no_words(splunkd: FakeSplunkd) -> None:
    result = splunkd.search("| lofpenrich")
    assert (result.events, result.messages, result.returncode) == ([], [], 0)


@pytest.mark.parametrize("output", ["brief", "full"])
@pytest.mark.parametrize("narrow", ["t", "f"])
def test_every_event_comes_back(
    splunkd: FakeSplunkd, events: list[Event], technique: str, output: str, narrow: str
) -> None:
    result = splunkd.search(f"| lofpenrich output={output} narrow={narrow}", events)
    assert result.messages == []
    assert _without_output(result.events) == [canonical(event) for event in events]
    assert [event["lofp_status"] for event in result.events] == STATUSES
    for event in result.events:
        assert {name for name in event if name.startswith("lofp_")} <= (
            BRIEF if output == "brief" else FULL
        )
        count = int(str(event["lofp_count"]))
        assert (count > 0) == (event["lofp_status"] == "matched")
    # The first event has no explanation, and takes no column from those after it.
    for event in result.events[1], result.events[4]:
        lists = {name: len(values) for name, values in _lists(event).items() if name in event}
        assert set(lists.values()) == {min(3, int(str(event["lofp_count"])))}
        assert set(event) >= BRIEF


def test_multivalues_out_are_parallel(splunkd: FakeSplunkd, technique: str) -> None:
    result = splunkd.search("| lofpenrich output=full max=2", [{"technique_id": technique}])
    lists = _lists(result.events[0])
    assert {name: len(values) for name, values in lists.items()} == dict.fromkeys(lists, 2)


def test_narrow_asks_for_little(splunkd: FakeSplunkd, technique: str) -> None:
    wide: list[Event] = [
        {**{f"field_{number}": str(number * row) for number in range(150)}, "technique": technique}
        for row in range(20)
    ]
    narrow = splunkd.search("| lofpenrich", wide, chunk_rows=7)
    whole = splunkd.search("| lofpenrich narrow=f", wide, chunk_rows=7)
    assert narrow.events == whole.events
    header = narrow.sent[1].body.decode("utf-8").split("\n")[0]
    assert "field_" not in header
    assert header.count("_chunked_idx") == 2
    assert whole.info.get("required_fields") in (None, ["*"])


def test_narrow_lists_fields_that_the_search_names(splunkd: FakeSplunkd, technique: str) -> None:
    events: list[Event] = [{"My IDs {}": technique, "the rule": "x"}, {"other": "y"}]
    search = '| lofpenrich technique_field="My IDs {}" rule_field="the rule" prefix=why_'
    result = splunkd.search(search, events)
    assert result.messages == []
    assert [event["why_status"] for event in result.events] == ["matched", "no_technique"]
    assert not [name for event in result.events for name in event if name.startswith("lofp_")]


@pytest.mark.parametrize(
    "chunks",
    [
        {"chunk_rows": 1},
        {"chunk_rows": 4},
        {"chunk_rows": 1, "trailing_empty": True},
        {"trailing_empty": True, "empty_chunks": "nothing"},
        {"chunk_rows": [0, 2, 0, 0, 3, 0]},
        {"chunk_rows": [0, 2, 0, 0, 3, 0], "empty_chunks": "nothing", "trailing_empty": True},
        {"maxresultrows": 2},
        {"preview": True},
    ],
    ids=str,
)
def test_chunks_make_no_difference(
    splunkd: FakeSplunkd, events: list[Event], chunks: dict[str, Any]
) -> None:
    narrow = splunkd.search("| lofpenrich", events, **chunks)
    whole = splunkd.search("| lofpenrich narrow=f", events, **chunks)
    assert narrow.messages == whole.messages == []
    assert narrow.events == whole.events
    assert _without_output(whole.events) == [canonical(event) for event in events]
    assert [event["lofp_status"] for event in whole.events] == STATUSES


@pytest.mark.parametrize("narrow", ["t", "f"])
def test_thousands_in_order(splunkd: FakeSplunkd, technique: str, narrow: str) -> None:
    events: list[Event] = [
        {"n": str(n), "technique_id": technique} if n % 3 else {"n": str(n), "x": ["a", str(n)]}
        for n in range(12_000)
    ]
    result = splunkd.search(f"| lofpenrich narrow={narrow}", events, chunk_rows=[1, 5000, 0, 2500])
    assert _without_output(result.events) == events
    statuses = Counter(event["lofp_status"] for event in result.events)
    assert statuses == {"matched": 8_000, "no_technique": 4_000}
    outputs = _outputs(result.events)
    assert all(output == outputs[1] for output in outputs[2::3])


def test_twice_is_as_good_as_once(splunkd: FakeSplunkd, events: list[Event]) -> None:
    once = splunkd.search("| lofpenrich", events).events
    assert splunkd.search("| lofpenrich", once).events == once
    # What an earlier run left goes where this one finds nothing.
    left: list[Event] = [{"lofp_statement": ["a", "b"], "lofp_count": "2", "x": "y"}]
    result = splunkd.search("| lofpenrich", left)
    assert result.events == [{"lofp_count": "0", "lofp_status": "no_technique", "x": "y"}]


def test_expand_makes_an_explanation_an_event(splunkd: FakeSplunkd, events: list[Event]) -> None:
    result = splunkd.search("| lofpenrich expand=t max=2", events)
    numbers = [str(event["n"]) for event in result.events]
    assert numbers == sorted(numbers)
    assert Counter(numbers) == {"0": 1, "1": 2, "2": 2, "3": 1, "4": 2, "5": 1}
    assert all(isinstance(event.get("lofp_statement", ""), str) for event in result.events)


@pytest.mark.parametrize("narrow", ["t", "f"])
def test_same_on_an_indexer(
    splunkd: FakeSplunkd, events: list[Event], narrow: str, tmp_path: Path
) -> None:
    app = sent_to_indexers(splunkd.app, tmp_path)
    splunkd = FakeSplunkd(app, splunkd.python, work_dir=tmp_path / "work")
    search = f"search index=notable | lofpenrich distributed=t narrow={narrow}"
    here = splunkd.search(search, events)
    there = splunkd.search(search, events, remote=True)
    assert here.info["type"] == "streaming"
    assert there.messages == []
    assert there.events == here.events
    assert "matched" in {event["lofp_status"] for event in there.events}


def test_stays_on_the_search_head_by_default(splunkd: FakeSplunkd) -> None:
    assert splunkd.search("search index=notable | lofpenrich").info["type"] == "stateful"


def test_locale_plays_no_part(splunkd: FakeSplunkd, events: list[Event], tmp_path: Path) -> None:
    """ASCII for every file and stream that names no encoding, the nearest to Windows here."""
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    other = FakeSplunkd(splunkd.app, splunkd.python, work_dir=tmp_path / "ascii", env=env)
    search = "| lofpenrich narrow=f"
    assert other.search(search, events).events == splunkd.search(search, events).events


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ("colour=blue", "colour"),
        ("max=many", "max"),
        ('kind="{x}"', "{x}"),
        ("T1059", "T1059"),
        ("record=true", "record"),
    ],
)
def test_wrong_options_are_named(
    splunkd: FakeSplunkd, events: list[Event], arguments: str, part: str
) -> None:
    result = splunkd.search(f"| lofpenrich {arguments}", events)
    assert part in result.errors[0]
    assert "Traceback" not in result.errors[0]
    assert result.errors[0].count("\n") == 0


HOSTILE: dict[str, Event] = {
    "braces": {"search_name": "{x} {0} {", "annotations": "{not json {"},
    "half a surrogate pair": {"annotations": '{"mitre_attack": ["T1059", "\\ud800"]}'},
    "null in a list": {"annotations": '{"mitre_attack": [null, null], "x": null}'},
    "deep nesting": {"annotations": "[" * 100_000},
    "carriage returns": {"search_name": "a\rb", "technique_id": "T1059\rT1003"},
    "nul": {"search_name": "a\0b"},
    "wrong UTF-8": {"search_name": "a\udcffb"},
    "5,000 IDs": {"technique_id": [f"T{number}" for number in range(1000, 6000)]},
    "1 MB of text": {"technique_id": "attack.t1059 " * 80_000},
    "cell over 10 MB": {"search_name": "x" * (10 * 1024 * 1024 + 1)},
    "field names": {"rule.mitre.id{}": ["T1059.001"], "MITRE Techniques": "x", "__": "y"},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_events_cost_nothing(splunkd: FakeSplunkd, technique: str, case: str) -> None:
    events: list[Event] = [{"n": "0"}, {**HOSTILE[case], "n": "1"}, {"technique_id": technique}]
    result = splunkd.search("| lofpenrich", events, chunk_rows=2)
    assert result.errors == []
    assert len(result.events) == 3
    assert [event["lofp_status"] for event in result.events][::2] == ["no_technique", "matched"]
    if case not in {"nul", "wrong UTF-8"}:
        # Those two are no text that a command could have read or written as it was.
        assert _without_output(result.events) == [canonical(event) for event in events]


def test_an_unquoted_list_that_splunkd_takes_apart_is_one_list(splunkd: FakeSplunkd) -> None:
    result = splunkd.search(
        "| lofpenrich technique_field=mine,other", [{"other": "T1059.001"}, {"mine": "T1566"}]
    )
    assert [event["lofp_status"] for event in result.events] == ["matched", "matched"]
