"""Rule names with and without what Splunk's apps put around them."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lofp_enrich.search.alert.fields import RULE_FIELDS
from lofp_enrich.search.alert.names import (
    MAX_KEYS,
    retired_title,
    rule_ids,
    rule_key,
    rule_keys,
    source_of,
    title_keys,
)

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
    "{} [Duplicate]",
    "ESCU - {} - Rule Clone",
    "Threat - ESCU - {} - Rule",
    "SIGMA: {}",
    "[Custom][Prod] {}",
    "{} v2",
    "{} - v1.2",
    "{} (v2)",
    "{} (copy 2)",
    "{} (1)",
    "{} Clone",
    "Copy of {}",
    "ESCU \u2013 {} \u2014 Rule",
    "Deprecated - {}",
    "{} - Combined - Rule",
    "ESCU Network Behavior - {}",
    "[Prod] Endpoint - ESCU: {} - Combined - Rule [Tuned] v3",
)
UUID = "0c4d2a4e-7d3f-4e0b-9a6c-1f2e3d4c5b6a"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", []),
        (" - - ", []),
        ("Shell Started", ["shell started"]),
        (
            "ESCU - Shell Started - Rule",
            [
                "escu shell started rule",
                "escu shell started",
                "shell started rule",
                "shell started",
            ],
        ),
        ("[Custom] Shell Started", ["custom shell started", "shell started"]),
        ("Shell-Started", ["shell started"]),
        ("Shell_Started.exe (v2)", ["shell started exe v2", "shell started exe"]),
        ("Öffnen\u00a0DER  Datei", ["öffnen der datei"]),
        # The fuller name is tried first, for a dash may belong to the title.
        ("Shell - Was Started", ["shell was started", "was started"]),
        # One word is too little, unless it is all there is or its script has no blanks.
        ("Shell - Started", ["shell started"]),
        ("ESCU - Shell - Rule", ["escu shell rule", "escu shell", "shell rule"]),
        ("SIGMA: \u4e0d\u5be9", ["sigma \u4e0d\u5be9", "\u4e0d\u5be9"]),
        ("Rule", ["rule"]),
        # What belongs to the title stays with it, for the fuller name is tried first.
        ("Shell Rule", ["shell rule"]),
        ("Shadow Copy", ["shadow copy"]),
        ("SIGMA: A Shell (Sigma)", ["sigma a shell sigma", "a shell sigma"]),
        (
            "ESCU - A Shell Clone - Rule",
            [
                "escu a shell clone rule",
                "escu a shell clone",
                "a shell clone rule",
                "a shell clone",
                "escu a shell",
                "a shell",
            ],
        ),
    ],
)
def test_keys(name: str, expected: list[str]) -> None:
    assert rule_keys(name) == expected


@given(st.text(min_size=1, max_size=80), st.sampled_from(AFFIXES))
def test_a_title_is_found_under_every_affix(title: str, affix: str) -> None:
    assume(rule_key(title) in rule_keys(title) and " " in rule_key(title))
    # An affix can be told from a title only where the title does not begin or end like one.
    assume(not re.search(r"[\[\](){}:]| - |v?[0-9. ]+$", title))
    assert rule_key(title) in rule_keys(affix.format(title))


@given(st.text(max_size=2000))
def test_whatever_the_name_keys_are_folded_and_no_more_than_twelve(name: str) -> None:
    keys = rule_keys(name)
    assert len(keys) == len(set(keys)) <= MAX_KEYS == 12
    assert keys == sorted(keys, key=len, reverse=True)
    for key in keys:
        assert rule_key(key) == key == " ".join(key.split())
        assert key.encode()


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_case_and_spacing_play_no_part(title: str) -> None:
    assert rule_key(title.upper()) == rule_key(title.lower()) == rule_key(f"  {title} ")


@pytest.mark.parametrize(
    "name",
    ["- ", "[", "x ", "a b - ", "[a] ", " v1", " - Rule", ": ", "(", "[]", "Copy of ", "\u0130 - "],
)
def test_a_name_of_a_megabyte_costs_nothing(name: str) -> None:
    start = time.perf_counter()
    for keys in (rule_keys(name * 500_000), title_keys(name * 500_000)):
        assert len(keys) <= MAX_KEYS
        assert max(map(len, keys), default=0) <= 1000
    source_of(name * 500_000)
    rule_ids(name * 500_000)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Shell Started", ["shell started"]),
        # Before the dash stands what tells two rules of a product apart.
        ("Malware - Agent Defends", ["malware agent defends"]),
        ("Access - A Shell - Rule", "access a shell rule|access a shell|a shell rule|a shell"),
        ("[Prod] A Shell v2", "prod a shell v2|prod a shell|a shell v2|a shell"),
        ("SIGMA: A Shell", ["sigma a shell", "a shell"]),
        ("Deprecated - A Shell", ["deprecated a shell", "a shell"]),
        ("", []),
    ],
)
def test_keys_of_a_rule_that_the_site_names(title: str, expected: list[str] | str) -> None:
    keys = expected.split("|") if isinstance(expected, str) else expected
    assert sorted(title_keys(title)) == sorted(keys)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("ESCU - A Shell - Rule", "splunk"),
        ("Threat - ESCU - A Shell - Rule", "splunk"),
        ("ESCU Network Behavior - A Shell", "splunk"),
        ("SIGMA: A Shell", "sigma"),
        ("[Sigma] A Shell", "sigma"),
        ("Sigma Rule: A Shell", "sigma"),
        ("Elastic - A Shell", "elastic"),
        ("[Prod] [Elastic Security] A Shell", "elastic"),
        ("Elastic Agent Stopped - A Shell", ""),
        ("Malware - Detected - Elastic", ""),
        ("Splunk", ""),
        ("Access - A Shell - Rule", ""),
        ("", ""),
    ],
)
def test_the_source_that_a_name_tells(name: str, source: str) -> None:
    assert source_of(name) == source


@pytest.mark.parametrize(
    ("title", "before"),
    [
        ("Deprecated - A Shell", "A Shell"),
        ("DEPRECATED: A Shell", "A Shell"),
        ("[Deprecated] A Shell", "A Shell"),
        ("A Shell (deprecated)", "A Shell"),
        ("A  Shell \u2013 Deprecated", "A Shell"),
        ("Deprecated TLS Version Used", ""),
        ("A  Shell", ""),
        ("Deprecated - Shell", ""),
        ("Deprecated - ", ""),
        ("", ""),
    ],
)
def test_the_title_before_it_was_retired(title: str, before: str) -> None:
    assert retired_title(title) == before


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (UUID, 1),
        (f" {UUID.upper()}\n", 1),
        (f"{{{UUID}}}", 1),
        (f"urn:uuid:{UUID}", 1),
        (f"{UUID}_105", 1),
        (f'["{UUID}", "{UUID}"]', 1),
        (f"{UUID},{'1' + UUID[1:]}", 2),
        (f"{UUID}b", 1),
        (f"{UUID}bc", 0),
        (f"rule {UUID}", 0),
        (UUID.replace("-", ""), 0),
        (UUID.replace("c", "g"), 0),
        (f"{UUID}_x", 0),
        ("", 0),
        ("T1059", 0),
    ],
)
def test_a_text_that_is_rule_ids(text: str, count: int) -> None:
    ids = rule_ids(text)
    assert len(ids) == count
    assert all(each == each.lower() and len(each) in (36, 37) for each in ids)
    assert UUID in ids or not count or text.startswith(f"{UUID}b")


def test_fields_are_named_once() -> None:
    assert len(set(RULE_FIELDS)) == len(RULE_FIELDS)
