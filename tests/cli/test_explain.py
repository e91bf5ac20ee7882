"""`explain`, and what answers where no folder of lookups was named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import run

ALERT = '{"technique_id": "T1059.001"}\n'


class TestWithoutLookups:
    def test_the_starter_entries_answer_and_that_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for arguments, stdin in ((["enrich"], ALERT), (["explain", "T1059.001"], None)):
            result = run(*arguments, stdin=stdin)
            assert result.exit_code == 0
            assert result.stderr == (
                "lofp-enrich: there is no folder lookups here, so the starter entries answer; for "
                "a catalogue of your own run lofp-enrich build, or name its folder with "
                "--lookups.\n"
            )
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("arguments", [["enrich"], ["explain", "T1059.001"]])
    def test_a_folder_that_was_named_is_missed(self, tmp_path: Path, arguments: list[str]) -> None:
        none = tmp_path / "none"
        result = run(*arguments, "--lookups", none, stdin=ALERT)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            f"lofp-enrich: {none} is no folder of lookups; name theirs with --lookups, or run "
            "lofp-enrich build.\n"
        )


class TestExplain:
    def test_a_rule_alone(self, known_lookups: Path) -> None:
        result = run(
            *("explain", "--lookups", known_lookups),
            *("--rule", "ESCU - Scanner Service Stopped - Rule"),
        )
        assert (result.exit_code, result.stderr) == (0, "")
        assert "stated by this rule" in " ".join(result.stdout.split())

    def test_a_rule_that_nobody_knows(self, known_lookups: Path) -> None:
        result = run("explain", "--lookups", known_lookups, "--rule", "Nobody's")
        assert result.exit_code == 1
        assert result.stderr == "lofp-enrich: Nobody's has no explanation in these lookups.\n"

    @pytest.mark.parametrize("technique", ["t1059.001", "T1059.001", "PowerShell", "powershell"])
    def test_ids_in_any_case_and_names(self, known_lookups: Path, technique: str) -> None:
        result = run("explain", technique, "--lookups", known_lookups)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "T1059.001 PowerShell" in " ".join(result.stdout.split())

    def test_one_unknown_name_among_known_ones(self, known_lookups: Path) -> None:
        result = run("explain", "PowerShell", "Nonsense", "--lookups", known_lookups)
        assert result.exit_code == 1
        assert "T1059.001 PowerShell" in " ".join(result.stdout.split())
        assert result.stderr == "lofp-enrich: Nonsense names no technique in these lookups.\n"

    def test_a_field_that_nothing_reads_is_said(self, known_lookups: Path, tmp_path: Path) -> None:
        lookups = tmp_path / "lookups"
        shutil.copytree(known_lookups, lookups)
        (lookups / "lofp_local.csv").write_text("statement,field,value\nours,asset,x\n", "utf-8")
        result = run(
            *("explain", "Nonsense", "T1059.001", "--lookups", lookups, "--context", "process=x"),
            *("--context", "procezz=x.exe", "--context", "asset=x", "--context", "CommandLine=x"),
        )
        assert result.stderr == (
            'lofp-enrich: --context names "procezz", which is no field that is known; give it as '
            "alerts spell it, such as process or CommandLine (docs/fields.md has them all).\n"
            "lofp-enrich: Nonsense names no technique in these lookups.\n"
        )

    def test_as_json(self, known_lookups: Path) -> None:
        result = run("explain", "T1059.001", "--json", "--max", "2", "--lookups", known_lookups)
        found = json.loads(result.stdout)
        assert len(found) == 2
        assert list(found[0])[:4] == ["statement", "match", "rule", "entry_id"]
        assert {each["technique"] for each in found} == {"T1059.001"}
        none = run("explain", "T9999", "--json", "--lookups", known_lookups)
        assert (none.exit_code, json.loads(none.stdout)) == (1, [])
