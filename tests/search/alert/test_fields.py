"""The table of field names, and what follows from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.fields import (
    ATTRIBUTES,
    CONTEXT_FIELDS,
    RULE_FIELDS,
    SPLUNK,
    TABLE,
    TECHNIQUE_FIELDS,
    Row,
    meanings,
    words_of,
)
from lofp_enrich.search.alert.leaves import Leaf
from lofp_enrich.search.alert.reader import read
from lofp_enrich.search.alert.shapes import fits
from lofp_enrich.search.alert.techniques import techniques_of
from lofp_enrich.search.attack import Attack
from tests.conftest import ATTACK, examples
from tests.fielddocs import PAGE, page

ATTACK_TABLE = Attack.load(ATTACK)
CANONICAL = re.compile(r"[\^=]?[a-z][a-z0-9]*(?:[._][a-z][a-z0-9]*)*")
"""`^` or `=`, then words in lower case, `_` or `.` between them."""
LONGEST = 6
"""Words of a field's name that are compared."""
ROWS = [
    # What Security Hub calls an operation has bars and capitals, and is longer than is compared.
    row
    for row in TABLE
    if "/" not in row.names
]
NAMES = [(row, name) for row in ROWS for name in row.names.split()]


def attributes(name: str) -> list[str]:
    return [each.attribute for each in meanings(name)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.attribute}: {row.names[:40]}")
def test_a_row(row: Row) -> None:
    names = row.names.split()
    assert " ".join(names) == row.names
    assert len(set(names)) == len(names)
    assert row.seen
    assert [name for name in names if not CANONICAL.fullmatch(name)] == []
    assert [name for name in names if len(words_of(name)) > LONGEST] == []
    # A shape that `shapes` does not know takes anything.
    assert not row.shape or not fits(row.shape, "\n")


@pytest.mark.parametrize(
    ("row", "name"), NAMES, ids=[f"{row.attribute} {name}" for row, name in NAMES]
)
def test_a_name_is_understood_as_its_row_says(row: Row, name: str) -> None:
    name = name.lstrip("^=")
    meant = [
        each
        for each in meanings(name)
        if (each.attribute, each.shape) == (row.attribute, row.shape)
    ]
    assert min(each.rank for each in meant) <= TABLE.index(row)
    camel = "".join(word.title() for word in words_of(name))
    spellings = [name.upper(), f"hits.{name}"]
    if "." not in name:
        spellings += [camel, camel[0].lower() + camel[1:], name.replace("_", "-")]
        spellings += [name.replace("_", " ").title()]
    for spelling in spellings:
        assert row.attribute in attributes(spelling), spelling


def test_no_two_rows_of_an_attribute_hold_the_same_name() -> None:
    for attribute in ATTRIBUTES:
        names = [name for row in TABLE if row.attribute == attribute for name in row.names.split()]
        assert sorted(names) == sorted(set(names)), attribute


def test_attributes_are_those_of_the_table() -> None:
    assert set(ATTRIBUTES) == {row.attribute for row in TABLE}
    assert SPLUNK.keys() - set(ATTRIBUTES) == {"technique", "platform"}


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        (attribute, name)
        for attribute, names in SPLUNK.items()
        for name in names
        if attribute in ATTRIBUTES
    ],
)
def test_what_splunkd_is_asked_for_is_understood(attribute: str, name: str) -> None:
    assert attribute in attributes(name)


@pytest.mark.parametrize("name", SPLUNK["technique"])
def test_techniques_are_read_from_what_splunkd_is_asked_for(name: str) -> None:
    leaf = Leaf(name.replace("{}", ""), "T1059.001", name.count("."), 0)
    assert [each.technique for each in techniques_of([leaf], ATTACK_TABLE)] == ["T1059.001"]


@pytest.mark.parametrize("name", SPLUNK["platform"])
def test_the_platform_is_read_from_what_splunkd_is_asked_for(name: str) -> None:
    # Who sells the sensor says nothing; which of Microsoft's services raised the alert does.
    value, platform = ("AzureAD", "azure") if name == "vendor" else ("windows", "windows")
    assert read({name: value}, ATTACK_TABLE).platform == (platform,)


def test_what_macros_and_workflow_actions_name() -> None:
    asked = {name for names in SPLUNK.values() for name in names}
    assert {*TECHNIQUE_FIELDS, *RULE_FIELDS, *CONTEXT_FIELDS} == asked
    for names in (*SPLUNK.values(), CONTEXT_FIELDS):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", []),
        (".", []),
        ("x", []),
        ("CommandLine", ["command_line"]),
        ("winlog.event_data.CommandLine", ["command_line"]),
        ("a__b__command_line", ["command_line"]),
        ("commandline", ["command_line"]),
        ("Process Command Line", ["command_line"]),
        ("parent.command_line", ["parent_command_line"]),
        ("grandparent.command_line", []),
        ("threat.indicator.file.path", []),
        ("childproc_name", []),
        ("process", ["command_line"]),
        ("parent.process.executable", ["parent"]),
        # one word is a whole part
        ("pre_process", []),
        ("meta_username", ["user"]),
        ("subdest", []),
        # one part and not two
        ("host_ip", ["src_ip"]),
        ("host.ip", []),
        # only wrappers before it
        ("action", ["operation"]),
        ("event.action", ["operation"]),
        ("rule.action", []),
        ("alert.title", ["rule", "title"]),
        ("window.title", []),
        ("user.title", []),
        # whose it is
        ("target.user.name", ["user"]),
        ("source.ip", ["src_ip"]),
        ("process.name", ["process"]),
        ("rule.name", ["rule"]),
        ("host.name", ["host"]),
    ],
)
def test_meanings(name: str, expected: list[str]) -> None:
    assert sorted(set(attributes(name))) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data.IpAddress", ["data", "ip", "address"]),
        ("HTTPRequest_url", ["http", "request", "url"]),
        ("SHA256String", ["sha256", "string"]),
        ("a{}.b-c d", ["a", "b", "c", "d"]),
        ("4688", ["4688"]),
        ("", []),
    ],
)
def test_words_of(name: str, expected: list[str]) -> None:
    assert list(words_of(name)) == expected


@given(st.text() | st.lists(st.sampled_from(["parent", "image", ".", "_", "a", "X"])).map("".join))
@examples(300)
def test_whatever_the_name(name: str) -> None:
    for each in meanings(name):
        assert each.attribute in ATTRIBUTES
        assert 0 <= each.rank < len(TABLE)
    assert all(word == word.lower() for word in words_of(name))


def test_the_longest_names_cost_no_more_than_their_end() -> None:
    assert meanings("a" * 1_000_000 + ".user_agent") == meanings("user_agent") != ()
    assert meanings("user_agent." + "x" * 1_000_000) == ()
    assert meanings("a." * 500_000 + "user_agent") == meanings("user_agent")


def test_the_page_says_what_is_read() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.fielddocs"
