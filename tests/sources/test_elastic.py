"""Elastic: text of a rule -> the rule; bad text -> the exact message with its line."""

from __future__ import annotations

import pytest

from lofp_enrich.model import FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import elastic

FULL = '''
[metadata]
integration = ["aws", "endpoint"]
maturity = "production"

[rule]
author = ["One", "Two"]
description = """
Deletes
copies.
"""
false_positives = ["""
    Backup agents, "by design".
    """]
index = ["filebeat-*", "logs-aws.cloudtrail-*"]
name = "Copies Deleted"
note = """## Triage
> **Disclaimer**: made using
> generative AI.
### False positive analysis
- **Tests** of `restore`
"""
query = \'\'\'
event.action : ("Delete*" or "Put") and user.name : (root or admin) and event.outcome : "success"
and process.executable : "C:\\\\Windows\\\\*"
\'\'\'
rule_id = "0e0e"
severity = "low"
tags = ["Domain: Cloud", "Mitre Atlas: T0051", "Mitre Atlas: LLM04"]

[[rule.threat]]
framework = "MITRE ATT&CK"
tactic = {id = "TA0040"}
[[rule.threat]]
[[rule.threat.technique]]
id = "T1490"
[[rule.threat.technique]]
id = "T1059"
[[rule.threat.technique.subtechnique]]
id = "T1059.001"
[[rule.threat]]
[[rule.threat.technique]]
id = "T1490"
'''


def rule(text: str, path: str = "rules/x.toml") -> Rule:
    (found,) = elastic.parse(text, path)
    assert isinstance(found, Rule)
    return found


def minimal(more: str, metadata: str = "") -> str:
    return f'[metadata]\n{metadata}\n[rule]\nname = "N"\nrule_id = "i"\n{more}'


def test_a_full_rule() -> None:
    assert rule(FULL) == Rule(
        source="elastic",
        id="0e0e",
        title="Copies Deleted",
        location=Location("rules/x.toml", 6),
        techniques=("T1490", "T1059", "T1059.001", "AML.T0051"),
        falsepositives=(
            FalsePositive('Backup agents, "by design".'),
            FalsePositive("Tests of restore", note=True, generated=True),
        ),
        logsource=LogSource("cloud", "aws", "aws.cloudtrail"),
        level="low",
        status="production",
        description="Deletes copies.",
        author="One, Two",
        terms=("Delete", "Put", "C:\\Windows\\", "root", "admin"),
    )


@pytest.mark.parametrize(
    ("note", "generated"),
    [
        ("was created using generative AI technology", True),
        ("with the assistance of generative AI", True),
        ("using\\n> generative AI", True),
        ("guards the company's generative AI applications", False),
    ],
)
def test_only_the_disclaimer_makes_a_statement_generated(note: str, generated: bool) -> None:
    found = rule(minimal(f'note = "{note}\\n\\n### False positives\\n\\n- a\\n"'))
    assert found.falsepositives == (FalsePositive("a", note=True, generated=generated),)


@pytest.mark.parametrize(
    ("heading", "read"),
    [
        ("### False positive analysis", True),
        ("#### FALSE POSITIVE ANALYSIS:", True),
        ("## False positives", True),
        ("### Validation & False Positive Considerations", True),
        ("### False positive steps", False),
        ("### Related rules", False),
    ],
)
def test_headings(heading: str, read: bool) -> None:
    assert bool(rule(minimal(f'note = "{heading}\\n- a\\n"')).falsepositives) is read


def test_an_item_of_marks_alone_says_nothing() -> None:
    note = "### False positives\\n- $investigate_0\\n- a\\n"
    found = rule(minimal(f'note = "{note}"'))
    assert [statement.text for statement in found.falsepositives] == ["a"]


@pytest.mark.parametrize(
    ("path", "maturity", "deprecated"),
    [
        ("rules/windows/x.toml", "production", False),
        ("rules/_deprecated/x.toml", "production", True),
        ("rules/x.toml", "deprecated", True),
        ("rules/x_deprecated.toml", "development", False),
    ],
)
def test_retired_by_folder_or_maturity(path: str, maturity: str, deprecated: bool) -> None:
    assert rule(minimal("", f'maturity = "{maturity}"'), path).deprecated is deprecated


@pytest.mark.parametrize(
    ("more", "metadata", "logsource"),
    [
        (
            'tags = ["OS: Linux", "OS: macOS"]',
            'integration = ["aws"]',
            LogSource("", "linux|macos"),
        ),
        ("", 'integration = "okta"', LogSource("", "okta")),
        ("", 'integration = ["endpoint", "system"]', LogSource()),
        (
            'query = "data_stream.dataset == \\"okta.system\\""',
            "",
            LogSource(service="okta.system"),
        ),
        ('query = "from logs-gcp.audit-* | where x"', "", LogSource(service="gcp.audit")),
        (
            'index = ["logs-crowdstrike.fdr*", "logs-endpoint.events.file-*"]',
            "",
            LogSource(service="endpoint.events.file"),
        ),
        ("", "", LogSource()),
    ],
)
def test_logsource(more: str, metadata: str, logsource: LogSource) -> None:
    assert rule(minimal(more, metadata)).logsource == logsource


def test_a_file_without_a_rule_gives_nothing() -> None:
    assert list(elastic.parse("[tool]\na = 1\n", "x.toml")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (minimal("false_positives = [1, [2]]"), "6: false_positives: expected text, found a list"),
        (
            minimal("false_positives = {a = 1, b = 2}"),
            "6: false_positives: expected text, found a mapping",
        ),
        (minimal("note = []"), "6: note: expected text, found a list"),
        (minimal('threat = "T1059"'), "6: threat: expected a mapping, found text"),
        ('[rule]\nname = "N"\n', "1: rule_id: missing"),
        ('\n[rule]\nrule_id = "i"\n', "2: name: missing"),
        ("rule = 1\n", "1: rule: expected a mapping, found text"),
        ('[rule]\nname = "N\n', "2: not TOML: Illegal character '\\n'"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    assert [str(error) for error in elastic.parse(text, "x.toml")] == [f"x.toml:{message}"]
