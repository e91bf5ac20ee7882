"""Sigma: text of a rule -> the rule; bad text -> the exact message with its line."""

from __future__ import annotations

import pytest

from lofp_enrich.model import FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import sigma

FULL = r"""
title: Copy To  Admin Share
id: 0f0f
status: test
description: |
    Copies a file
    to a share.
author: A. Author, B. Author
license: MIT
tags: [attack.lateral-movement, attack.t1021.002, attack.t1021.002, attack.T1570]
logsource: {category: process_creation, product: windows, service: sysmon}
detection:
    selection:
        EventID: 1
        Image|endswith: ['\robocopy.exe', '\xcopy.exe']
        CommandLine|re: '^a.*b$'
        Count: 5
    keywords: ['*admin$*']
    timeframe: 5m
    condition: selection and keywords
falsepositives:
    - Nightly  mirrors
    - Unknown
level: high
"""


def rule(text: str, path: str = "rules/x.yml") -> Rule:
    (found,) = sigma.parse(text, path)
    assert isinstance(found, Rule)
    return found


def minimal(more: str) -> str:
    return f"title: T\nid: i\ndetection: {{s: {{a: b}}, condition: s}}\n{more}"


def test_a_full_rule() -> None:
    assert rule(FULL) == Rule(
        source="sigma",
        id="0f0f",
        title="Copy To Admin Share",
        location=Location("rules/x.yml", 2),
        techniques=("T1021.002", "T1570"),
        falsepositives=(FalsePositive("Nightly mirrors"), FalsePositive("Unknown")),
        logsource=LogSource("process_creation", "windows", "sysmon"),
        level="high",
        status="test",
        description="Copies a file to a share.",
        author="A. Author, B. Author",
        license="MIT",
        terms=("\\robocopy.exe", "\\xcopy.exe", "admin$"),
    )


@pytest.mark.parametrize(
    ("more", "statements"),
    [
        ("falsepositives: One string", ["One string"]),
        ("falsepositives:", []),
        ("falsepositives: [null]", []),
        ("falsepositives: [No]", ["No"]),
        (
            "falsepositives:\n  - Other tools: Sysinternals\n  - b",
            ["Other tools: Sysinternals", "b"],
        ),
        ("false_positives: [a]", ["a"]),
        ("falsepositive: [a]", ["a"]),
        ("false-positives: [a]", ["a"]),
        ("falsepositives: [GitKraken, Gitkraken, GitKraken]", ["GitKraken", "Gitkraken"]),
        ('falsepositives: ["Unlikely. Except: \\"x\\""]', ['Unlikely. Except: "x"']),
        ("", []),
    ],
)
def test_statements(more: str, statements: list[str]) -> None:
    assert [fp.text for fp in rule(minimal(more)).falsepositives] == statements


@pytest.mark.parametrize(
    ("more", "techniques"),
    [
        ("tags: attack.t1059", ["T1059"]),
        ("tags: [null, attack.t1059]", ["T1059"]),
        ("tags: [{attack.t1059: null}]", ["T1059"]),
        ("tags: {attack.t1059: }", ["T1059"]),
        ("tags: [[attack.t1059]]", []),
        ("tags:", []),
    ],
)
def test_odd_tags(more: str, techniques: list[str]) -> None:
    assert rule(minimal(more)).techniques == tuple(techniques)


@pytest.mark.parametrize(
    ("path", "status", "deprecated"),
    [
        ("rules/windows/x.yml", "test", False),
        ("deprecated/windows/x.yml", "test", True),
        ("unsupported/x.yml", "experimental", True),
        ("rules/x.yml", "deprecated", True),
        ("rules/x.yml", "Unsupported", True),
        ("rules/deprecated.yml", "test", False),
    ],
)
def test_retired_by_folder_or_status(path: str, status: str, deprecated: bool) -> None:
    assert rule(minimal(f"status: {status}"), path).deprecated is deprecated


def test_without_an_id_the_path_and_the_place_are_one() -> None:
    text = "title: T\ndetection: {a: b}\n---\ntitle: U\ndetection: {a: b}\nid:\n"
    assert [found.id for found in sigma.parse(text, "a/x.yml") if isinstance(found, Rule)] == [
        "a/x.yml#1",
        "a/x.yml#2",
    ]


COLLECTION = """\
action: global
title: T
id: i
falsepositives: [shared]
tags: [attack.t1001]
detection: {condition: s}
---
detection: {s: {a: one.exe}}
logsource: {product: windows}
---
action: repeat
detection: {s: {a: two.exe}}
---
action: reset
title: U
detection: {s: {a: three.exe}}
---
falsepositives: [own]
detection: {s: {a: four.exe}}
title: V
"""


def test_collections_of_old_sigma() -> None:
    rules = [found for found in sigma.parse(COLLECTION, "x.yml") if isinstance(found, Rule)]
    assert [(r.title, r.id, r.location.line, r.terms) for r in rules] == [
        ("T", "i", 8, ("one.exe",)),
        ("T", "i#3", 11, ("two.exe",)),
        ("U", "x.yml#4", 14, ("three.exe",)),
        ("V", "x.yml#5", 18, ("four.exe",)),
    ]
    assert [[fp.text for fp in r.falsepositives] for r in rules] == [["shared"]] * 2 + [[], ["own"]]
    assert [r.techniques for r in rules] == [("T1001",), ("T1001",), (), ()]
    assert [r.logsource.product for r in rules] == ["windows", "windows", "", ""]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "title: a list of nothing\n",
        "just text",
        "- a\n- b\n",
        "---\n---\n",
        "title: T\nfilter: {}\n",
    ],
)
def test_what_is_no_rule_gives_nothing(text: str) -> None:
    assert list(sigma.parse(text, "x.yml")) == []


def test_a_correlation_is_a_rule() -> None:
    found = rule("title: T\nid: i\ncorrelation: {type: event_count}\nfalsepositives: [a]\n")
    assert found.falsepositives == (FalsePositive("a"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            minimal("falsepositives: [{a: 1, b: 2}]"),
            "4: falsepositives: expected text, found a mapping",
        ),
        (
            minimal("falsepositives:\n  - a\n  - [b]"),
            "6: falsepositives: expected text, found a list",
        ),
        (
            "title: T\nDetection: {a: b}\n",
            "1: detection: missing; nothing else makes this a rule",
        ),
        (
            "title: T\naction: correlation\nfalsepositives: [a]\n",
            "2: action: not read: correlations have a key `correlation` instead",
        ),
        (
            "- title: T\n  detection: {a: b}\n",
            "1: rules in a list are not read; give each a document of its own, after ---",
        ),
        (
            "a: b\nrules:\n- title: T\n  detection: {a: b}\n",
            "2: rules: rules in a list are not read; give each a document of its own, after ---",
        ),
        (minimal("logsource: windows"), "4: logsource: expected a mapping, found text"),
        ("id: i\ndetection: {a: b}\n", "1: title: missing"),
        ("title: T\nid: [i]\ndetection: {a: b}\n", "2: id: expected text, found a list"),
        ("title: T\ndetection: [a]\n", "2: detection: expected a mapping, found a list"),
        (
            "title: T: U\ndetection: {a: b}\n",
            "1: not YAML: mapping values are not allowed in this context",
        ),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    assert [str(error) for error in sigma.parse(text, "x.yml")] == [f"x.yml:{message}"]


def test_a_bad_document_costs_itself_alone() -> None:
    bad = [minimal("falsepositives: [[a]]\n"), minimal("x: !bad y\n")]
    text = "---\n".join([minimal(""), *bad, minimal("")])
    first, second, third, fourth = sigma.parse(text, "x.yml")
    assert isinstance(first, Rule)
    assert isinstance(fourth, Rule)
    assert str(second) == "x.yml:8: falsepositives: expected text, found a list"
    assert str(third) == "x.yml:13: not plain YAML: the tag !bad is not plain data"


def test_what_a_rule_leaves_out_by_name() -> None:
    text = r"""
title: T
id: i
detection:
    selection: {Image: a}
    filter_main_system: {Image: b}
    filter_optional_avast: {Image|endswith: '\a.exe', CommandLine: [c, 1]}
    filter_optional_two:
        - Image: d
        - {Image: null, EventID: 2}
    filter_optional_words: [e, f]
    condition: selection and not 1 of filter_*
"""
    assert [(each.name, each.items) for each in rule(text).exclusions] == [
        ("avast", r'{"CommandLine": ["c", "1"], "Image|endswith": "\\a.exe"}'),
        ("two", '{"Image": "d"}'),
        ("two", '{"EventID": "2", "Image": null}'),
        # Words of any field are no map of fields.
        ("words", ""),
        ("words", ""),
    ]


def test_an_odd_field_that_only_helps_costs_no_statement() -> None:
    found = rule(
        minimal(
            "logsource: {product: windows, service: [system, security]}\nstatus: [test, stable]\n"
            "description: [a, b]\nlicense: [CC0-1.0, MIT]\nlevel: [high]\nfalsepositives: [Robots]"
        )
    )
    assert found.logsource == LogSource("", "windows", "system|security")
    assert (found.status, found.description, found.level) == ("test|stable", "a b", "high")
    assert found.license == "CC0-1.0|MIT"
    assert found.falsepositives == (FalsePositive("Robots"),)


def test_an_error_keeps_no_document_alive() -> None:
    (error,) = sigma.parse(minimal("falsepositives: [[a]]"), "x.yml")
    assert isinstance(error, Exception)
    assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)
