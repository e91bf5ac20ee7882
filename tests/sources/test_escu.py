"""A savedsearches.conf: stanza -> rule; bad text -> the exact message with its line."""

from __future__ import annotations

import pytest

from lofp_enrich.errors import RuleError
from lofp_enrich.model import FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import conf, escu
from lofp_enrich.sources.fields import RuleNode

FULL = """\
# a comment

[ESCU - Certutil - Fetches A File - Rule]
description = Finds \\
certutil.
action.escu.known_false_positives = Revocation lists, \\
fetched by hand.
action.escu.mappings = {"mitre_attack": ["T1105"]}
action.escu.search_type = detection
action.correlationsearch.annotations = {"mitre_attack": ["T1140"], "data_source": ["Sysmon"]}
action.correlationsearch.metadata = {"detection_id": "0c0c", "deprecated": "0"}
action.notable.param.security_domain = endpoint
search = `sysmon` a="certutil.exe" | stats count
"""


def rules(text: str) -> list[Rule]:
    return [found for found in escu.parse(text, "x.conf") if isinstance(found, Rule)]


def minimal(more: str, name: str = "ESCU - N - Rule") -> str:
    return f"[{name}]\naction.escu.known_false_positives = S\n{more}\n"


def test_a_full_stanza() -> None:
    assert rules(FULL) == [
        Rule(
            source="escu",
            id="0c0c",
            title="Certutil - Fetches A File",
            location=Location("x.conf", 3),
            techniques=("T1140", "T1105"),
            falsepositives=(FalsePositive("Revocation lists, fetched by hand."),),
            logsource=LogSource(category="endpoint", service="Sysmon"),
            description="Finds certutil.",
            license="Apache-2.0",
            terms=("sysmon", "certutil.exe"),
        )
    ]


@pytest.mark.parametrize(
    ("name", "title", "license"),
    [
        ("ESCU - N - Rule", "N", "Apache-2.0"),
        ("ESCU - A - B - Rule", "A - B", "Apache-2.0"),
        ("Our App - N - Rule", "N", ""),
        ("N - Rule", "N", ""),
        ("Our Own Rule", "Our Own Rule", ""),
    ],
)
def test_names(name: str, title: str, license: str) -> None:
    (found,) = rules(minimal("", name))
    assert (found.id, found.title, found.license) == (name, title, license)


@pytest.mark.parametrize(
    ("more", "deprecated"),
    [
        ("", False),
        ('action.correlationsearch.metadata = {"deprecated": "1"}', True),
        ('action.correlationsearch.metadata = {"deprecated": true}', True),
        ("description = WARNING, this detection has been marked deprecated by the team", True),
        ("description = **WARNING**, this detection is marked **DEPRECATED** by the team", True),
        ("description = **WARNING**, this detection is marked **EXPERIMENTAL** by the team", False),
    ],
)
def test_retired(more: str, deprecated: bool) -> None:
    (found,) = rules(minimal(more))
    assert found.deprecated is deprecated


def test_other_searches_give_nothing() -> None:
    assert rules(minimal("action.escu.search_type = support")) == []
    assert rules("[Errors in the last hour]\nsearch = index=_internal\n") == []
    assert rules("") == []


def test_technologies_stand_in_for_data_sources() -> None:
    (found,) = rules(minimal('action.escu.providing_technologies = ["AWS", "Okta"]'))
    assert found.logsource.service == "AWS|Okta"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "action.correlationsearch.annotations = {",
            "3: action.correlationsearch.annotations: not JSON: "
            "Expecting property name enclosed in double quotes",
        ),
        (
            "action.correlationsearch.annotations = 5",
            "3: action.correlationsearch.annotations: expected a JSON object",
        ),
        (
            "a = 1\naction.correlationsearch.metadata = " + "[" * 100_000,
            "4: action.correlationsearch.metadata: not JSON: unreadable",
        ),
        (
            'action.correlationsearch.annotations = {"mitre_attack": [["T1"]]}',
            "3: mitre_attack: expected text, found a list",
        ),
    ],
)
def test_a_bad_stanza_costs_itself_alone(more: str, message: str) -> None:
    found = list(escu.parse(minimal(more) + minimal("", "Second"), "x.conf"))
    assert str(found[0]) == f"x.conf:{message}"
    assert [rule.title for rule in found[1:] if isinstance(rule, Rule)] == ["Second"]


def _stanzas(text: str) -> list[tuple[str, RuleNode]]:
    return [each for each in conf.stanzas(text, "x") if not isinstance(each, RuleError)]


def test_conf() -> None:
    text = "lost = 1\n[a]\n; comment\nk = v = w\nk2=\nk = last\nl = one \\\n  two\\\n[three]\n"
    text += "[b]\n[c]\n"
    assert [(name, dict(stanza), stanza.line) for name, stanza in _stanzas(text)] == [
        ("a", {"k": "last", "k2": "", "l": "one \n  two\n[three]"}, 2),
        ("b", {}, 10),
        ("c", {}, 11),
    ]


def test_conf_ends_in_a_continuation() -> None:
    assert [dict(stanza) for _, stanza in _stanzas("[a]\nk = v\\")] == [{"k": "v"}]


def test_a_line_that_is_no_setting() -> None:
    assert [str(error) for error in escu.parse("[a]\n\nno setting\n", "x.conf")] == [
        "x.conf:3: expected `setting = value`"
    ]


def test_a_stray_line_and_a_null_cost_nothing_else() -> None:
    text = (
        "[ESCU - One - Rule]\naction.escu.search_type = detection\n"
        "action.escu.providing_technologies = null\n"
        "action.escu.known_false_positives = Robots\nstray\n"
        "[ESCU - Two - Rule]\naction.escu.search_type = detection\n"
    )
    found = list(escu.parse(text, "savedsearches.conf"))
    assert [str(each) for each in found if isinstance(each, Exception)] == [
        "savedsearches.conf:5: expected `setting = value`"
    ]
    assert [each.title for each in found if not isinstance(each, Exception)] == ["One", "Two"]
