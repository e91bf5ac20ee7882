"""What stands around the code: set-up, records, the demo, and what contributors are told."""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from lofp_enrich import __version__
from lofp_enrich.catalogue.kinds import kind_of
from lofp_enrich.model import Rule
from lofp_enrich.search.alert.platform import PRODUCT_WORDS
from lofp_enrich.sources import entries
from tests import demo
from tests.splunkd.apps import read_conf
from tests.splunkd.pythons import SPLUNKS

CHECKOUT = Path(__file__).resolve().parent.parent
ADRS = sorted((CHECKOUT / "docs" / "adr").iterdir())


def text_of(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def constant(name: str) -> object:
    """A constant of noxfile.py, which can only be imported where nox is."""
    for node in ast.parse(text_of("noxfile.py")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"noxfile.py has no {name}")


class TestSetUp:
    make = text_of("Makefile")

    @property
    def targets(self) -> set[str]:
        found = re.search(r"^\.PHONY: (.*)$", self.make, re.MULTILINE)
        assert found
        return set(found[1].split())

    def test_every_target_is_there_and_in_the_help(self) -> None:
        assert self.targets <= set(re.findall(r"^([a-z-]+):", self.make, re.MULTILINE))
        assert set(re.findall(r"'make ([\w-]+) +\w", self.make)) == self.targets - {"help"}

    def test_readme_and_contributing_have_the_two_commands(self) -> None:
        for name in ("README.md", "CONTRIBUTING.md"):
            assert {"make demo", "make test"} <= set(re.findall(r"make \w+", text_of(name)))

    def test_commands_that_documents_name_are_targets(self) -> None:
        for name in ("README.md", "CONTRIBUTING.md", ".ci/run"):
            named = re.findall(r"(?:^ *|`)make ([\w-]+)", text_of(name), re.MULTILINE)
            assert set(named) <= self.targets

    def test_the_pythons_of_splunk_are_the_same_everywhere(self) -> None:
        commands = read_conf(CHECKOUT / "splunk_app" / "default" / "commands.conf")
        assert constant("SPLUNKS") == SPLUNKS
        assert commands["lofpenrich"]["python.required"] == ",".join(SPLUNKS)

    def test_appinspect_is_pinned(self) -> None:
        assert re.fullmatch(r"splunk-appinspect==\d+\.\d+\.\d+", str(constant("APPINSPECT")))

    def test_ci_insists_on_both_pythons(self) -> None:
        assert os.access(CHECKOUT / ".ci" / "run", os.X_OK)
        script = text_of(".ci/run")
        assert "LOFP_REQUIRE_PYTHONS=1" in script
        assert script.index("set -euo pipefail") < script.index("make lint")


class TestRecords:
    @pytest.mark.parametrize(("number", "path"), [*enumerate(ADRS, 1)], ids=str)
    def test_adr_is_short_and_of_one_form(self, number: int, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        parts = ["\nAccepted.\n", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n"]
        places = [text.index(part) for part in parts]
        assert places == sorted(places)
        assert len(text.splitlines()) <= 45

    def test_changelog_has_room_for_what_comes_or_the_version(self) -> None:
        headings = re.findall(r"^## \[(.+?)\]", text_of("CHANGELOG.md"), re.MULTILINE)
        assert headings[0] == "Unreleased"
        assert headings[1:2] in ([], [__version__])

    def test_licence_is_whole_and_the_notice_names_whose_work_is_in(self) -> None:
        assert "Version 2.0, January 2004" in text_of("LICENSE")
        assert "APPENDIX: How to apply the Apache License" in text_of("LICENSE")
        for owner in ("The lofp_enrich maintainers", "The MITRE Corporation", "Splunk Inc."):
            assert owner in text_of("NOTICE")


class TestContributing:
    text = text_of("CONTRIBUTING.md")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    def test_good_entries_are_what_the_text_asks_for(self) -> None:
        rules = list(entries.parse(self.blocks[0], "good.yaml"))
        assert len(rules) == 2
        for rule in rules:
            assert isinstance(rule, Rule)
            statement = rule.falsepositives[0].text
            assert kind_of(statement) == "benign"
            assert 40 <= len(statement) <= 200
            assert 1 <= len(rule.techniques) <= 4
            assert 2 <= len(rule.terms) <= 8
            assert rule.falsepositives[0].check

    def test_bad_entries_are_bad_as_the_text_says(self) -> None:
        generic, scattered = yaml.safe_load(self.blocks[1])
        assert kind_of(generic["statement"]) == "generic"
        assert len(scattered["techniques"]) > 4

    def test_products_are_those_that_alerts_are_known_by(self) -> None:
        found = re.search(r"`products`: `([^`]+)`", self.text)
        assert found
        assert set(found[1].split()) <= set(PRODUCT_WORDS)


def test_demo_explains_every_alert(built_app: Path, tmp_path: Path) -> None:
    alerts = demo.read_alerts()
    python = getattr(sys, "_base_executable", None) or sys.executable
    result = demo.enrich(built_app, python, alerts, tmp_path)
    assert result.errors == []
    assert [event["lofp_status"] for event in result.events] == ["matched"] * len(alerts)
    for event, alert in zip(result.events, alerts):
        assert {name: event[name] for name in alert} == alert
    shown = io.StringIO()
    Console(file=shown, width=120).print(
        demo.table_of(result.events, demo.technique_names(built_app))
    )
    # Two of each; of one alert only one explanation says enough of what ran.
    assert shown.getvalue().count("Check: ") == 2 * len(alerts) - 1
