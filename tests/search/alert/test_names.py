"""Rule names with and without what Splunk's apps put around them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lofp_enrich.search.alert.names import RULE_FIELDS, rule_key, rule_keys

AFFIXES = (
    "{}",
    "ESCU - {} - Rule",
    "Access - {} - Rule",
    "ACME-SOC - {} - Rule",
    "[Custom] {}",
    "[Custom] Threat - {} - Rule",
    "Endpoint - {} - Combined - Rule",
    "{} - Rule",
    "escu  -  {}  -  rule  ",
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", []),
        (" - - ", []),
        ("Shell Started", ["shell started"]),
        (
            "ESCU - Shell Started - Rule",
            ["escu shell started rule", "escu shell started", "shell started"],
        ),
        ("[Custom] Shell Started", ["custom shell started", "shell started"]),
        ("Shell-Started", ["shell started"]),
        ("Shell_Started.exe (v2)", ["shell started exe v2"]),
        ("Öffnen\u00a0DER  Datei", ["öffnen der datei"]),
        # The fuller name is tried first, for a dash may belong to the title.
        ("Shell - Started", ["shell started", "started"]),
        ("Rule", ["rule"]),
    ],
)
def test_keys(name: str, expected: list[str]) -> None:
    assert rule_keys(name) == expected


@given(st.text(min_size=1, max_size=80), st.sampled_from(AFFIXES))
def test_a_title_is_found_under_every_affix(title: str, affix: str) -> None:
    assume(rule_key(title))
    # An affix can be told from a title only where the title does not begin like one.
    assume(not title.lstrip().startswith("[") or affix.startswith("{}"))
    assert rule_key(title) in rule_keys(affix.format(title))


@given(st.text(max_size=2000))
def test_whatever_the_name_keys_are_folded_and_no_more_than_three(name: str) -> None:
    keys = rule_keys(name)
    assert len(keys) == len(set(keys)) <= 3
    for key in keys:
        assert rule_key(key) == key == " ".join(key.split())
        assert key.encode()


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_case_and_spacing_play_no_part(title: str) -> None:
    assert rule_key(title.upper()) == rule_key(title.lower()) == rule_key(f"  {title} ")


def test_a_name_of_a_megabyte_costs_nothing() -> None:
    assert len(rule_keys("- " * 500_000)) == 0
    assert len(rule_keys("[" * 500_000 + "x")) == 0
    assert max(map(len, rule_keys("x " * 500_000))) <= 500


def test_fields_are_named_once() -> None:
    assert len(set(RULE_FIELDS)) == len(RULE_FIELDS)
