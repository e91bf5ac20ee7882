"""Every value of an event with its name, at no more cost than its first 64 kB."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.leaves import (
    MAX_DEPTH,
    MAX_LEAVES,
    MAX_NAME,
    MAX_NAMES,
    MAX_TEXT,
    Leaf,
    Leaves,
    opened_json,
)
from tests.conftest import examples

Event = dict[str, Any]


def leaves(event: Event) -> list[Leaf]:
    found = Leaves()
    found.add_event(event)
    return found.found


def pairs(event: Event) -> list[tuple[str, str]]:
    return [(leaf.name, leaf.value) for leaf in leaves(event)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, []),
        ({"a": "x"}, [("a", "x")]),
        ({"a": " x\n"}, [("a", "x")]),
        ({"a": {"b": {"c": "x"}}}, [("a.b.c", "x")]),
        ({"a": [{"b": "x"}, {"b": "y"}]}, [("a.b", "x"), ("a.b", "y")]),
        ({"a{}.b": ["x", "y"]}, [("a.b", "x"), ("a.b", "y")]),
        ({"a{}": ("x", "y")}, [("a", "x"), ("a", "y")]),
        ({"a": [["x"], [["y"]]]}, [("a", "x"), ("a", "y")]),
        ({"a": 5, "b": 1.5, "c": 0}, [("a", "5"), ("b", "1.5"), ("c", "0")]),
        ({"a": {5: "x"}}, [("a.5", "x")]),
        ({"a": True, "b": None, "c": [], "d": {}}, []),
        ({"a": '{"b": ["x", 2]}'}, [("a.b", "x"), ("a.b", "2")]),
        ({"a": '["x"]'}, [("a", "x")]),
        ({"a": "{b}", "c": "[]", "d": "[x]"}, [("a", "{b}"), ("c", "[]"), ("d", "[x]")]),
        ({"a": "", "b": "-", "c": "NULL", "d": "n/a", "e": "Unknown", "f": " none "}, []),
    ],
)
def test_leaves(event: Event, expected: list[tuple[str, str]]) -> None:
    assert pairs(event) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("_raw", "_time", "_bkt", "date_hour", "punct", "linecount", "splunk_server"),
        *("splunk_server_group", "timestartpos", "timeendpos", "eventtype", "tag", "tag::host"),
    ],
)
def test_what_splunk_adds_is_left_out(name: str) -> None:
    assert leaves({name: "x"}) == []
    assert pairs({"tags": "x", "a": {name: "y"}}) == [("tags", "x"), (f"a.{name}", "y")]


def test_how_deep_and_beside_what() -> None:
    nested = leaves({"a": "x", "b": {"c": "y", "d": {"e": "z"}}, "f": [{"g": "u"}, {"g": "v"}]})
    assert [leaf.depth for leaf in nested] == [0, 1, 2, 1, 1]
    assert [leaf.depth for leaf in leaves({"b.c": "y", "b.d.e": "z"})] == [1, 2]
    of = [leaf.of for leaf in nested]
    assert of[0] == 0
    assert len(set(of)) == 5


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        # as the product wrote them
        (
            {"a": [{"Name": "Process Path", "Value": "C:\\x.exe"}]},
            [("a.Process Path", "C:\\x.exe")],
        ),
        ({"a": {"key": "k", "value": ["x", "y"]}}, [("a.k", "x"), ("a.k", "y")]),
        ({"a": {"values": ["x"], "name": "k"}}, [("a.k", "x")]),
        ({"a": {"@Name": "k", "#text": "x"}}, [("a.k", "x")]),
        ({"a": {"key": "k", "value": {"b": "x"}}}, [("a.k.b", "x")]),
        ({"a": {"key": "k", "name": "n", "value": "x"}}, [("a.k", "x")]),
        ({"a": {"key": "k", "type": "t", "value": "x"}}, [("a.type", "t"), ("a.k", "x")]),
        ({"a": {"key": "k" * 500, "value": "x"}}, [(("a." + "k" * MAX_NAME)[-MAX_NAME:], "x")]),
        # what has more to say is no mere name of a value
        (
            {"a": {"name": "n", "value": "x", "c": "y"}},
            [("a.name", "n"), ("a.n", "x"), ("a.c", "y")],
        ),
        ({"a": [{"key": "k"}, {"value": "x"}]}, [("a.key", "k"), ("a.value", "x")]),
        ({"a": {"key": 5, "value": "x"}}, [("a.key", "5"), ("a.value", "x")]),
        ({"key": "k", "value": "x"}, [("key", "k"), ("value", "x")]),
        # as Splunk has them
        ({"a{}.Name": ["k", "l"], "a{}.Value": ["x", "y"]}, [("a.k", "x"), ("a.l", "y")]),
        ({"a{}.Value": ["x", "-"], "a{}.Name": ["k", "l"]}, [("a.k", "x")]),
        ({"a.key": "k", "a.values": "x"}, [("a.k", "x")]),
        ({"a.D{}.@Name": ["k"], "a.D{}.#text": ["x"]}, [("a.D.k", "x")]),
        ({"a.D{@Name}": ["k", "l"], "a.D": ["x", "y"]}, [("a.D.k", "x"), ("a.D.l", "y")]),
        (
            {"a{}.Name": ["k", "l"], "a{}.Value": ["x", "y"], "a{}.c": "z"},
            [("a.Name", "k"), ("a.Name", "l"), ("a.k", "x"), ("a.l", "y"), ("a.c", "z")],
        ),
        # nobody knows which belong together
        ({"a{}.Name": ["k", "l"], "a{}.Value": ["x"]}, [("a.Value", "x")]),
        ({"a{}.Name": ["k"]}, [("a.Name", "k")]),
        ({"a.D{@Name}": ["k"]}, [("a.D{@Name}", "k")]),
    ],
)
def test_values_that_say_their_own_name(event: Event, expected: list[tuple[str, str]]) -> None:
    assert pairs(event) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("[1, 2]", [1, 2]),
        ("", None),
        ("{", None),
        ("[" * 100_000, None),
        ("[" * 100_000 + "]" * 100_000, None),
    ],
)
def test_opened_json(text: str, expected: Any) -> None:
    assert opened_json(text) == expected


def _nested(depth: int) -> Event:
    event: Event = {"a": "x"}
    for _ in range(depth):
        event = {"a": event}
    return event


def test_no_deeper_than_the_most() -> None:
    assert len(leaves(_nested(MAX_DEPTH))) == 1
    assert leaves(_nested(MAX_DEPTH + 1)) == leaves(_nested(5000)) == []


@pytest.mark.parametrize(
    "event",
    [
        {"a": "x" * 1_000_000},
        {"a": ["x" * 10_000] * 100},
        {f"a{n}": "x" * 100 for n in range(10_000)},
        {"a": [{"b": "x" * 100} for _ in range(10_000)]},
        {"a": "[" + '"xx",' * 10_000 + '"xx"]'},
        {"a": "x", "b" * 1_000_000: "y", "c" * 1_000_000: {"d": "z"}},
        {"a": {"b" * 1_000_000: "x"}},
    ],
    ids=lambda event: str(event)[:20],
)
def test_no_more_than_the_most(event: Event) -> None:
    found = leaves(event)
    assert 0 < len(found) <= MAX_LEAVES
    assert sum(len(leaf.value) for leaf in found) <= MAX_TEXT
    assert all(len(leaf.name) <= MAX_NAME for leaf in found)
    assert len({leaf.name for leaf in found}) <= MAX_NAMES


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
            ),
        ),
    )
)
@examples(100)
def test_whatever_the_event(event: Event) -> None:
    for leaf in leaves(event):
        assert leaf.value
        assert leaf.value == leaf.value.strip()
        assert 0 <= leaf.depth <= MAX_DEPTH
