"""`required_fields`: what travels, and how an answer is merged with the rest."""

from __future__ import annotations

from typing import Any

import pytest

from . import Event, ProtocolError
from .conftest import TinyApp

EVENTS: list[Event] = [
    {"age": "66", "name": "Noah", "tags": ["a", "b"]},
    {"name": "Ringo", "accum_age": "7"},
    {"age": "25", "name": "George"},
]

ECHO = """
read()
reply(type={type!r}, required_fields={fields!r})
while True:
    chunk, body = read()
    reply({body}, finished=chunk["finished"])
"""


def _echo(fields: object, *, kind: str = "streaming", body: str = "body") -> str:
    return ECHO.format(type=kind, fields=fields, body=body)


def test_columns_as_recorded(raw_app: TinyApp) -> None:
    """Header, index, empty cells and the end are those of a session recorded on 8.2.1."""
    fields = ["age", "accum_age"]
    result = raw_app(_echo(fields)).search("| tiny", EVENTS[:2], trailing_empty=True)
    header = b'age,"accum_age","_chunked_idx","__mv_age","__mv_accum_age","__mv__chunked_idx"\n'
    assert [frame.body for frame in result.sent[1:]] == [
        header + b"66,,0,,,\n,7,1,,,\n",
        header,
    ]
    assert result.events == EVENTS[:2]


@pytest.mark.parametrize("kind", ["streaming", "stateful"])
@pytest.mark.parametrize("fields", [["name", "tags", "absent"], ["_chunked_idx", "tags"], []])
def test_the_rest_of_each_event_is_kept(raw_app: TinyApp, kind: str, fields: list[str]) -> None:
    result = raw_app(_echo(fields, kind=kind)).search("| tiny", EVENTS, chunk_rows=2)
    assert result.events == EVENTS
    # The index counts within its chunk.
    last = result.sent[2].body.decode("utf-8").splitlines()[1].split(",")
    header = result.sent[2].body.decode("utf-8").splitlines()[0].split(",")
    assert last[header.index('"_chunked_idx"')] == "0"


def test_answer_wins_over_what_travelled(raw_app: TinyApp) -> None:
    body = r"body.replace('25', '26').replace('66', '')"
    result = raw_app(_echo(["age"], body=body)).search("| tiny", EVENTS)
    assert [event.get("age") for event in result.events] == [None, None, "26"]
    assert [event["name"] for event in result.events] == ["Noah", "Ringo", "George"]


@pytest.mark.parametrize("fields", [None, ["*"]])
def test_all_fields(raw_app: TinyApp, fields: object) -> None:
    result = raw_app(_echo(fields)).search("| tiny", EVENTS)
    assert b"_chunked_idx" not in result.sent[1].body
    assert result.events == EVENTS


def test_events_get_all_fields(raw_app: TinyApp) -> None:
    result = raw_app(_echo(["age"], kind="events")).search("| tiny", EVENTS)
    assert result.sent[1].body.startswith(b'age,name,tags,"accum_age",')
    assert result.events == EVENTS


def test_reporting_gets_no_index(raw_app: TinyApp) -> None:
    result = raw_app(_echo(["age"], kind="reporting")).search("| tiny", EVENTS)
    assert result.sent[1].body == b'age,"__mv_age"\n66,\n,\n25,\n'
    assert result.events == [{"age": "66"}, {}, {"age": "25"}]


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "index dropped": ({"body": "body.replace('_chunked_idx', 'idx')"}, "does not list"),
    "index emptied": (
        {"body": "'age,_chunked_idx\\n1,\\n2,\\n3,\\n'"},
        "3 events went out, 3 came back with _chunked_idx",
    ),
    "event lost": ({"body": "'age,_chunked_idx\\n1,0\\n3,2\\n'"}, "2 came back"),
    "event added": ({"body": "body + '1,2,,\\n'"}, "4 came back"),
    "order changed": ({"body": "'age,_chunked_idx\\n1,0\\n3,2\\n2,1\\n'"}, "cannot merge"),
    "output not listed": ({"body": "'age,new,_chunked_idx\\n1,,0\\n'"}, r"not list: \['new'\]"),
    "all lost": ({"body": "''"}, "3 events went out, 0 came back"),
    "wildcard": ({"fields": ["age*"]}, "nobody has seen"),
    "no list": ({"fields": "age"}, "not a list of names"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_merged(raw_app: TinyApp, case: str) -> None:
    options, message = BROKEN[case]
    code = _echo(**{"fields": ["age"], **options})
    with pytest.raises(ProtocolError, match=message):
        raw_app(code).search("| tiny", EVENTS)


def test_an_error_may_come_with_fewer_events(raw_app: TinyApp) -> None:
    code = """
    read()
    reply(type="streaming", required_fields=["age"])
    read()
    reply("age,_chunked_idx\\n1,0\\n", finished=True, inspector={"messages": [["ERROR", "oh"]]})
    sys.exit(1)
    """
    result = raw_app(code).search("| tiny", EVENTS)
    assert result.errors[0] == "oh"
    assert result.events == [{**EVENTS[0], "age": "1"}]
