"""Splunk: the four layouts -> the same rule; bad text -> the exact message with its line."""

from __future__ import annotations

import pytest

from lofp_enrich.model import FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import splunk

HEAD = "name: Shell  From Browser\nid: 0d0d\nknown_false_positives: One cause. Another one.\n"
LAYOUTS = {
    1: HEAD + "mappings: {mitre_attack: [Execution], mitre_technique_id: [T1059, T1204]}\n"
    "asset_type: Endpoint\nsecurity_domain: endpoint\ntype: splunk\n"
    "original_authors: [{name: A. Author, company: none}]\n"
    "detect: {splunk: {correlation_rule: {search: '`nvm` process=bash.exe'}}}\n",
    2: HEAD + "author: A. Author\ntype: TTP\nsearch: '`nvm` process=bash.exe'\n"
    "tags: {mitre_attack_id: [T1059, T1204], asset_type: Endpoint, security_domain: endpoint}\n",
    3: HEAD + "author: A. Author\ntype: TTP\nsearch: '`nvm` process=bash.exe'\nrba: {message: m}\n"
    "tags: {mitre_attack_id: [T1059, T1204], asset_type: Endpoint, security_domain: endpoint}\n",
    4: HEAD + "author: A. Author\ntype: TTP\nsearch: '`nvm` process=bash.exe'\n"
    "mitre_attack_id: [T1059, T1204]\nasset_type: Endpoint\nsecurity_domain: endpoint\n",
}


def rule(text: str, path: str = "detections/x.yml") -> Rule:
    (found,) = splunk.parse(text, path)
    assert isinstance(found, Rule)
    return found


def minimal(more: str) -> str:
    return f"name: N\nid: i\nsearch: index=main\n{more}"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_layouts_give_the_same(layout: int) -> None:
    assert rule(LAYOUTS[layout]) == Rule(
        source="splunk",
        id="0d0d",
        title="Shell From Browser",
        location=Location("detections/x.yml", 1),
        techniques=("T1059", "T1204"),
        falsepositives=(FalsePositive("One cause. Another one."),),
        logsource=LogSource("endpoint", "Endpoint"),
        author="A. Author",
        terms=("nvm", "bash.exe"),
    )


@pytest.mark.parametrize(
    ("more", "statements"),
    [
        ("known_false_positives: ''", []),
        ("known_false_positives:", []),
        ("", []),
        ("known_false_positives: |\n  two\n  lines\n", ["two lines"]),
        ("known_false_positives: [a, b]", ["a", "b"]),
        ("known_false_positives: None.", ["None."]),
    ],
)
def test_statements(more: str, statements: list[str]) -> None:
    assert [fp.text for fp in rule(minimal(more)).falsepositives] == statements


@pytest.mark.parametrize(
    ("more", "techniques"),
    [
        ('tags: {mitre_attack_id: ["T1569.001, T1569.002"]}', ["T1569.001", "T1569.002"]),
        ("tags: {mitre_attack_id: [T078, T, T1222.01]}", ["T1222"]),
        ("tags: {mitre_attack_id: T1059}", ["T1059"]),
        ("tags: {mitre_technique_id: [T1059]}", ["T1059"]),
        ("tags:", []),
    ],
)
def test_techniques(more: str, techniques: list[str]) -> None:
    assert rule(minimal(more)).techniques == tuple(techniques)


@pytest.mark.parametrize(
    ("path", "status", "deprecated"),
    [
        ("detections/x.yml", "production", False),
        ("detections/x.yml", "experimental", False),
        ("detections/deprecated/x.yml", "production", True),
        ("removed/detections/x.yml", "production", True),
        ("detections/x.yml", "Removed", True),
        ("detections/x.yml", "deprecated", True),
    ],
)
def test_retired_by_folder_or_status(path: str, status: str, deprecated: bool) -> None:
    assert rule(minimal(f"status: {status}"), path).deprecated is deprecated


@pytest.mark.parametrize("key", ["data_source", "data_sources"])
def test_data_sources(key: str) -> None:
    assert (
        rule(minimal(f"{key}: [Sysmon EventID 1, Okta]")).logsource.service
        == "Sysmon EventID 1|Okta"
    )


@pytest.mark.parametrize(
    ("search", "terms"),
    [
        (
            "`wineventlog_security` EventCode=4698 user!=SYSTEM | stats count",
            ["wineventlog security", "4698"],
        ),
        ('process IN ("*mimikatz*", "C:\\\\Temp\\\\*") by dest', ["mimikatz", "C:\\Temp\\"]),
        (
            "| tstats `security_content_summariesonly` count where a=b.exe by c | `x_filter`",
            ["b.exe"],
        ),
        ('eventName=PutKey | eval name="not this" | search also="not this"', ["PutKey"]),
        ("datamodel=Endpoint index=main bytes=5", []),
    ],
)
def test_terms(search: str, terms: list[str]) -> None:
    assert list(rule(f"name: N\nid: i\nsearch: |\n  {search}\n").terms) == terms


def test_without_an_id_the_path_is_one() -> None:
    assert rule("name: N\nsearch: a\n", "detections/x.yml").id == "detections/x.yml"


@pytest.mark.parametrize(
    "text",
    [
        "name: N\ntype: Baseline\nsearch: a\nknown_false_positives: none\n",
        "name: N\ntype: Investigation\nsearch: a\n",
        "name: N\nbaseline: {splunk: {search: a}}\nknown_false_positives: none\n",
        "name: a macro\ndefinition: a\n",
        "name: a story\nnarrative: a\n",
        "- name: not a mapping\n",
        "",
    ],
)
def test_what_is_no_detection_gives_nothing(text: str) -> None:
    assert list(splunk.parse(text, "x.yml")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            minimal("known_false_positives: [{a: 1, b: 2}]"),
            "4: known_false_positives: expected text, found a mapping",
        ),
        (minimal("tags: [a]"), "4: tags: expected a mapping, found a list"),
        (
            minimal("tags:\n  mitre_attack_id:\n    - [a]"),
            "6: mitre_attack_id: expected text, found a list",
        ),
        ("id: i\nsearch: a\n", "1: name: missing"),
        (
            "name: !!python/object:os.x a\nsearch: a\n",
            "1: not plain YAML: the tag tag:yaml.org,2002:python/object:os.x is not plain data",
        ),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    assert [str(error) for error in splunk.parse(text, "x.yml")] == [f"x.yml:{message}"]
