"""`explain`, what answers where no folder of lookups was named, and how explanations are shown."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lofp_enrich.cli import enrich
from lofp_enrich.search.knowledge.columns import OUTPUT_BRIEF, OUTPUT_FULL
from tests.conftest import CHECKOUT, DATA, run

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
        assert list(found[0]) == [f"lofp_{name}" for name in OUTPUT_FULL]
        assert {each["lofp_technique"] for each in found} == {"T1059.001"}
        none = run("explain", "T9999", "--json", "--lookups", known_lookups)
        assert (none.exit_code, json.loads(none.stdout)) == (1, [])


POSES = ("T1036.005", "--context", r"Image=C:\Users\Public\Dropbox.exe", "--max", "1")
CODE = r"C:\Program Files\Microsoft VS Code\Code.exe"
POWERSHELL = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
EXTENSION = r"C:\Users\a\.vscode\extensions\ms-vscode.powershell-2024.1\Start-EditorServices.ps1"


class TestShown:
    """What a person sees of an explanation, in `explain` and in `enrich` on a terminal."""

    def test_evidence_then_the_explanation_and_what_to_check(
        self, starter_lookups: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        result = run("explain", *POSES, "--lookups", starter_lookups)
        shown, last = result.stdout.split("\n\n")
        assert shown == (
            " 1  contradicts  named like Dropbox, but process is C:\\Users\\Public\\Dropbox.exe,\n"
            "                 which is not its folder\n"
            "    explanation  A program named like Dropbox (storage sync) lies where that\n"
            "                 product is not installed.\n"
            "    check        In Dropbox: see in its own log or console whether it did this\n"
            "                 then, and ask whoever runs it.\n"
            "    says         known software (lofp_enrich)\n"
            "    why          known software in the alert"
        )
        assert last.endswith(" explanations, each a question to check, never a verdict\n")

    @pytest.mark.parametrize("columns", [24, 40, 80, 120])
    def test_no_line_is_longer_than_the_terminal(
        self, starter_lookups: Path, monkeypatch: pytest.MonkeyPatch, columns: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        result = run("explain", "T1059.001", "--max", "20", "--lookups", starter_lookups)
        lines = result.stdout.split("\n\n")[:-1]
        widths = {len(line) for each in lines for line in each.splitlines()}
        # Below that a word a line helps nobody: the terminal folds it.
        assert max(columns, 37) - 12 < max(widths) <= max(columns, 37)
        assert not any(line.endswith(" ") for line in result.stdout.splitlines())
        assert "\x1b" not in result.stdout

    @pytest.mark.parametrize(
        ("context", "state", "because"),
        [
            (
                {"Image": POWERSHELL, "ParentImage": CODE, "CommandLine": EXTENSION},
                "fits",
                f"parent is {CODE}",
            ),
            (
                {"eventName": "CreateRole", "userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.9.5"},
                "resembles",
                "user agent is APN/1.0 HashiCorp/1.0 Terraform/1.9.5",
            ),
            ({"Image": POWERSHELL}, "open", "the alert does not say the parent"),
            ({"Image": r"C:\Users\Public\Dropbox.exe"}, "contradicts", "named like Dropbox, but"),
        ],
    )
    def test_the_state_and_what_decided_it(
        self,
        starter_lookups: Path,
        monkeypatch: pytest.MonkeyPatch,
        context: dict[str, str],
        state: str,
        because: str,
    ) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        said = [each for pair in context.items() for each in ("--context", "=".join(pair))]
        asked = ("explain", "T1059.001", "--max", "1", *said, "--lookups", starter_lookups)
        first = run(*asked).stdout.splitlines()[0]
        assert first.startswith(f" 1  {state.ljust(11)}  {because}")

    def test_a_link_stays_in_one_piece(
        self, known_lookups: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "60")
        result = run("explain", "T1566.002", "--max", "50", "--lookups", known_lookups)
        link = "https://github.com/SigmaHQ/sigma/blob/master/rules/web/link_opened.yml"
        assert f"\n    link         {link}\n" in result.stdout

    def test_what_would_speak_against_it_and_whose_doing_it_is(self, starter_lookups: Path) -> None:
        asked = ("explain", "T1059.001", "--max", "50", "--lookups", starter_lookups)
        text = " ".join(run(*asked).stdout.split())
        assert "software CrowdStrike Falcon check Falcon's Real Time Response audit log" in text
        assert "against An encoded command, or one that downloads something" in text

    def test_own_explanations_and_what_rules_say_have_nothing_that_decides(
        self, known_lookups: Path, tmp_path: Path
    ) -> None:
        lookups = shutil.copytree(known_lookups, tmp_path / "lookups")
        (lookups / "lofp_local.csv").write_text("statement,owner\nthe backup job,ada\n", "utf-8")
        rule = "ESCU - Scanner Service Stopped - Rule"
        result = run("explain", "--rule", rule, "--lookups", lookups)
        assert " 1  resembles    your own explanation of such alerts\n" in result.stdout
        assert "the rule itself says so; nothing in the alert" in result.stdout

    def test_nothing_of_an_alert_reaches_the_terminal_as_an_order(
        self, starter_lookups: Path
    ) -> None:
        image = "Image=C:\\Users\\\x1b[2J\x9b31m\u202eevil line\\Dropbox.exe"
        asked = ("explain", "T1036.005", "--context", image, "--max", "1")
        result = run(*asked, "--lookups", starter_lookups)
        assert " 1  contradicts" in result.stdout
        assert not {"\x1b", "\x9b", "\u202e"} & set(result.stdout)
        assert "[2J31mevil line" in " ".join(result.stdout.split())

    def test_json_is_what_enrich_gives(self, starter_lookups: Path) -> None:
        alert = {"mitre_technique_id": ["T1059.001"], "ParentImage": [CODE]}
        context = f"ParentImage={CODE}"
        lookups = ("--lookups", starter_lookups)
        explained = run("explain", "T1059.001", "--context", context, "--json", *lookups)
        options = ("--output", "full", "--expand", "true", "--max", "5", "--min-score", "0")
        enriched = run("enrich", *options, *lookups, stdin=json.dumps(alert) + "\n")
        rows = [json.loads(line) for line in enriched.stdout.splitlines()]
        assert [{**alert, **each} for each in json.loads(explained.stdout)] == rows
        lists = {name for name, value in rows[0].items() if isinstance(value, list)}
        assert lists - alert.keys() == {"lofp_techniques", "lofp_read"}


def test_the_readme_shows_what_comes_out(
    starter_lookups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8").replace(" \\\n    ", " ")
    (found,) = re.findall(r"```\n\$ lofp-enrich (explain .*)\n([^`]*)```", readme)
    command, shown = found
    result = run(*shlex.split(command), "--lookups", starter_lookups)
    # The counts and the nearness change with every entry that is added.
    assert re.sub(r"\d+", "0", shown) == re.sub(r"\d+", "0", result.stdout)


def test_the_readme_has_all_fields_of_the_json() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    rows = readme[readme.index("`explain --json` and `enrich --json` have") :].split("\n\n")[1]
    named = re.findall(r"`lofp_(\w+)`", rows)
    assert sorted(named) == sorted(OUTPUT_FULL)
    assert tuple(named[: len(OUTPUT_BRIEF)]) == OUTPUT_BRIEF


class TestEnrichOnATerminal:
    @pytest.fixture(autouse=True)
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(enrich, "_is_terminal", lambda: True)
        monkeypatch.setenv("COLUMNS", "100")

    def test_each_alert_has_a_name_and_its_explanations(self, starter_lookups: Path) -> None:
        alerts = DATA / "demo-alerts.jsonl"
        result = run("enrich", alerts, "--max", "1", "--lookups", starter_lookups)
        assert result.exit_code == 0
        first, second = result.stdout.split("\n\nalert ")[:2]
        assert first.startswith(
            "alert 1  PowerShell started by a management agent\n"
            "T1059.001 PowerShell, T1072 Software Deployment Tools\n"
            "\n"
            " 1  fits         process runs C:\\Windows\\CCM\\ScriptStore\\9B0C_1.ps1\n"
            "    explanation  Microsoft Configuration Manager (endpoint management) is what ran: "
        )
        assert re.search(r"\n    why          known software in the alert\n\n1 of \d+ expl", first)
        assert second.startswith("2  New default version of an IAM policy\nT1098.003 ")
        last = "6 of 6 alerts explained; an explanation is a question to check, never a verdict\n"
        assert result.stdout.endswith(f"\n\n{last}")

    def test_what_has_no_explanation_says_so(self, starter_lookups: Path) -> None:
        alerts = '{"title": "T\\u001b[2Jx"}\n\nnot json\n{"technique_id": "T9999"}\n'
        result = run("enrich", "--lookups", starter_lookups, "--format", "jsonl", stdin=alerts)
        assert result.exit_code == 1
        assert result.stdout == (
            "alert 1  T[2Jx\n\nnames no technique, and no rule that is known\n\n"
            "alert 2  not json\n\ncould not be read\n\n"
            "alert 3\nT9999\n\nno harmless cause is known\n\n"
        )
        assert "1 line is no JSON object" in result.stderr

    @pytest.mark.parametrize("output", ["brief", "full"])
    def test_json_is_that_of_a_pipe(
        self, known_lookups: Path, monkeypatch: pytest.MonkeyPatch, output: str
    ) -> None:
        asked = ("enrich", "--lookups", known_lookups, "--output", output)
        on_terminal = run(*asked, "--json", stdin=ALERT).stdout
        monkeypatch.setattr(enrich, "_is_terminal", lambda: False)
        assert on_terminal == run(*asked, stdin=ALERT).stdout

    def test_json_of_a_table(self, known_lookups: Path) -> None:
        table = "technique_id,a,a\nT1059.001,1\n,2,3\n"
        asked = ("enrich", "--json", "--format", "csv", "--lookups", known_lookups, "--max", "1")
        first, second = map(json.loads, run(*asked, stdin=table).stdout.splitlines())
        assert (first["technique_id"], first["a"]) == ("T1059.001", "1")
        assert (first["lofp_status"], len(first["lofp_statement"])) == ("matched", 1)
        assert (second["a"], second["lofp_status"]) == ("2", "no_technique")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
@pytest.mark.parametrize("command", [("explain", *POSES), ("enrich",)])
def test_a_real_terminal_has_colours_unless_told(
    starter_lookups: Path, command: tuple[str, ...], environment: dict[str, str], coloured: bool
) -> None:
    import pty  # absent on Windows

    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "lofp_enrich", *command, "--lookups", str(starter_lookups)],
        input=b'{"technique_id": "T1036.005", "Image": "C:\\\\Users\\\\Public\\\\Dropbox.exe"}\n',
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
        timeout=60,
        check=True,
    )
    os.close(theirs)
    text = b""
    while b"never a verdict" not in text:
        text += os.read(ours, 65_536)
    os.close(ours)
    assert done.stderr == b""
    assert (b"\x1b[1;31mcontradicts" in text) is coloured
    assert b"contradicts" in text
