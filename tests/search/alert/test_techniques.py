"""Techniques in any text."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.techniques import MAX_TECHNIQUES, as_techniques, ids_in, techniques_of
from lofp_enrich.search.attack import Attack
from tests.conftest import ATTACK

TABLE = Attack.load(ATTACK)
ID = re.compile(r"(AML\.)?T[0-9]{4}(\.[0-9]{3})?")
TEXT = st.text() | st.text(alphabet="Tt10591.001_/-,; {}[]\"'amlAML\u0661\u212a")
IDS = st.from_regex(ID, fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("T1059", ["T1059"]),
        ("t1059.001", ["T1059.001"]),
        ("T1059.001 - PowerShell", ["T1059.001"]),
        ("attack.t1059_001", ["T1059.001"]),
        ("https://attack.mitre.org/techniques/T1059/001/", ["T1059.001"]),
        ("https://attack.mitre.org/techniques/T1059/", ["T1059"]),
        ("technique_id=T1053.005,technique_name=Scheduled Task/Job", ["T1053.005"]),
        ('{"mitre_attack":["T1110.001","T1078"]}', ["T1110.001", "T1078"]),
        ("T1565,T1213;T1565|t1213\nT1059", ["T1565", "T1213", "T1059"]),
        ("Valid Accounts (T1078)", ["T1078"]),
        ("[T1078]", ["T1078"]),
        ("T1078.", ["T1078"]),
        ("T1078: Valid Accounts", ["T1078"]),
        ("TA0005:T1562", ["T1562"]),
        ("AML.T0051", ["AML.T0051"]),
        ("atlas aml_t0043_000", ["AML.T0043.000"]),
        ("T0886", ["T0886"]),  # an ICS technique
        ("\u00fcT1059\u00fc", ["T1059"]),
        # no techniques
        ("TA0002", []),
        ("CST0002", []),
        ("10590", []),
        ("T105", []),
        ("T10590", []),
        ("xT1059", []),
        ("T1059x", []),
        ("0T1059", []),
        ("T\u0661\u0660\u0665\u0669", []),
        ("T 1059", []),
        ("M1059 S1059 G1059 DS0005", []),
    ],
)
def test_ids(text: str, expected: list[str]) -> None:
    assert ids_in(text) == expected


def said(values: Iterable[str]) -> list[tuple[str, str]]:
    """(current ID, as it came in) for each technique in what is said to be techniques."""
    return [(each.technique, each.written) for each in techniques_of(as_techniques(values), TABLE)]


@given(TEXT)
def test_whatever_the_text_ids_are_ids_each_once(text: str) -> None:
    found = ids_in(text)
    assert all(ID.fullmatch(each) for each in found)
    assert len(found) == len(set(found))
    assert ids_in(" ".join(found)) == found


@given(st.lists(IDS, unique=True, max_size=20), st.sampled_from(list(" ,;|\n\t\"'[(-:")))
def test_lists_of_ids_come_back_in_order_and_any_case(ids: list[str], separator: str) -> None:
    text = separator + f"{separator} {separator}".join(ids) + separator
    assert ids_in(text) == ids_in(text.lower()) == ids


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert ids_in("x " * 100_000 + "T1059") == []
    assert len(ids_in(" ".join(f"T{number}" for number in range(1000, 10_000)))) > 5000


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([""], []),
        (["T1059.001"], [("T1059.001", "T1059.001")]),
        (["T1086"], [("T1059.001", "T1086")]),
        (["t1089"], [("T1685", "T1089")]),
        (["T1562.001", "T1685"], [("T1685", "T1562.001")]),
        (["PowerShell"], [("T1059.001", "PowerShell")]),
        ([" powershell ; Web Shell"], [("T1059.001", "powershell"), ("T1505.003", "Web Shell")]),
        (
            ["Cloud Accounts"],
            [
                ("T1078.004", "Cloud Accounts"),
                ("T1585.003", "Cloud Accounts"),
                ("T1586.003", "Cloud Accounts"),
            ],
        ),
        # Where an ID is, the name beside it says nothing more.
        (["Cloud Accounts (T1078.004)"], [("T1078.004", "T1078.004")]),
        (["T9999"], [("T9999", "T9999")]),
        (["TA0002", "Execution", "CST0002", "Unknown", "null", "None"], []),
        (["T1064"], [("T1064", "T1064")]),  # deprecated, and nothing took its place
        (["T1059", "T1059.001"], [("T1059", "T1059"), ("T1059.001", "T1059.001")]),
    ],
)
def test_current_ids_with_what_came_in(values: list[str], expected: list[tuple[str, str]]) -> None:
    assert said(values) == expected


@given(st.lists(TEXT | IDS, max_size=30))
def test_whatever_the_values_ids_are_current_and_each_once(values: list[str]) -> None:
    found = said(values)
    assert all(ID.fullmatch(current) and came_in for current, came_in in found)
    assert [TABLE.current(current) for current, _ in found] == [current for current, _ in found]
    assert len(dict(found)) == len(found) <= MAX_TECHNIQUES


def test_no_more_than_the_most() -> None:
    values = [f"T{number}" for number in range(2000, 2200)]
    assert [came_in for _, came_in in said(values)] == values[:MAX_TECHNIQUES]
    assert len(said([" ".join(values)])) == MAX_TECHNIQUES


def test_every_name_is_understood() -> None:
    for technique, row in TABLE.rows.items():
        assert TABLE.current(technique) in dict(said([row["name"].upper()]))
