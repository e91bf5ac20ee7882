"""The command line: exit codes, what is said, and one line out for each line in."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich import __version__
from lofp_enrich.cli.alertfile import alerts_of
from lofp_enrich.cli.alerts import enrich_alerts
from lofp_enrich.cli.main import main
from lofp_enrich.search.answer.enrich import Enricher
from lofp_enrich.search.answer.options import NAMES as OPTIONS
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.knowledge.columns import OUTPUT_BRIEF, OUTPUT_FULL
from lofp_enrich.search.knowledge.index import LookupIndex
from lofp_enrich.search.knowledge.local import LocalRows
from lofp_enrich.sources import SOURCES
from tests.conftest import CHECKOUT, DATA, KNOWN, examples, run

GOLDEN = [f"--source={name}={DATA / 'golden' / name}" for name in KNOWN]
BRIEF = [f"lofp_{name}" for name in OUTPUT_BRIEF]
FAULTY = DATA / "faulty"


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


class TestBuildAndCheck:
    def test_without_a_source_it_is_the_starter_entries(self, tmp_path: Path) -> None:
        result = run("build", "--json", "--out", tmp_path)
        assert (result.exit_code, result.stderr) == (0, "")
        (counts,) = json.loads(result.stdout)["sources"]
        assert counts["source"] == "entries"
        assert counts["rules"] == counts["statements"] == counts["benign"] > 30
        assert counts["unread"] == counts["placeholder"] == 0

    def test_counts_of_every_source(self, tmp_path: Path) -> None:
        result = run("build", "--no-starter", *GOLDEN, "--json", "--out", tmp_path)
        assert (result.exit_code, result.stderr) == (0, "")
        document = json.loads(result.stdout)
        assert document["entries"] == 22
        assert {Path(name).name for name in document["files"]} == {
            path.name for path in tmp_path.iterdir()
        }
        by_source = {each["source"]: each for each in document["sources"]}
        assert set(by_source) == set(SOURCES)
        assert by_source["sigma"] == {
            **{"source": "sigma", "files": 3, "rules": 3, "left_out": 0, "statements": 12},
            **{"from_notes": 0, "benign": 9, "generic": 1, "advice": 1, "placeholder": 1},
            **{"with_technique": 11, "techniques": 4, "unread": 0},
            **{"exclusions": 0, "translated": 0},
        }
        assert by_source["elastic"]["from_notes"] == 1

    def test_check_says_the_same_and_writes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        built = json.loads(run("build", *GOLDEN, "--json", "--out", tmp_path / "x").stdout)
        checked = json.loads(run("check", *GOLDEN, "--json").stdout)
        assert checked == {**built, "files": {}}
        assert [path.name for path in tmp_path.iterdir()] == ["x"]

    def test_a_person_gets_a_table_with_the_same_numbers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "120")  # the sources are too many for a narrow terminal
        result = run("build", "--no-starter", *GOLDEN, "--out", tmp_path)
        assert result.exit_code == 0
        for part in ("rule files", "name a harmless cause", *SOURCES):
            assert part in result.stdout
        assert "22 entries for 12 techniques\n" in result.stdout
        assert f"{tmp_path / 'lofp_entries.csv'}: created\n" in result.stdout

    def test_tools_become_entries_and_software(self, tmp_path: Path) -> None:
        tools = f"--source=lolrmm={DATA / 'lolrmm'}"
        result = run("build", tools, "--json", "--out", tmp_path)
        assert (result.exit_code, result.stderr) == (0, "")
        document = json.loads(result.stdout)
        assert document["sources"][1]["statements"] == 2
        assert document["software"] == {"read": 2, "new": 2, "known": 0, "placeholder": 1}
        rows = table((tmp_path / "lofp_software.csv").read_text(encoding="utf-8"))
        (row,) = [dict(zip(rows[0], each)) for each in rows if each[0] == "parceldesk"]
        assert (row["category"], row["processes"]) == ("rmm", "ParcelDeskAgent.exe")
        assert row["folders"] == "C:\\Program Files\\ParcelDesk\\|/Applications/ParcelDesk.app/"
        entries = table((tmp_path / "lofp_entries.csv").read_text(encoding="utf-8"))
        (entry,) = [dict(zip(entries[0], e)) for e in entries if "ParcelDesk" in e]
        assert (entry["techniques"], entry["software"]) == ("T1219", "parceldesk")
        assert (entry["sources"], entry["license"]) == ("lolrmm", "")
        again = json.loads(run("build", tools, "--json", "--out", tmp_path).stdout)
        assert set(again["files"].values()) == {"unchanged"}

    def test_a_person_is_told_what_was_left_out_of_tools(self, tmp_path: Path) -> None:
        result = run("build", f"--source=lolrmm={DATA / 'lolrmm'}", "--out", tmp_path)
        said = "2 tools: 2 new products, 0 that are known already; left out of what they say: "
        assert f"{said}1 placeholder" in result.stdout

    def test_notes_and_retired_rules(self) -> None:
        elastic = f"--source=elastic={DATA / 'golden' / 'elastic'}"
        with_notes = json.loads(run("check", "--no-starter", elastic, "--json").stdout)
        without = json.loads(run("check", "--no-starter", elastic, "--no-notes", "--json").stdout)
        assert with_notes["sources"][0]["statements"] - without["sources"][0]["statements"] == 1
        assert without["sources"][0]["from_notes"] == 0

    def test_retired_rules_are_counted_or_read(self, tmp_path: Path) -> None:
        text = "title: Old\nid: a\ntags: [attack.t1059]\ndetection: {}\nfalsepositives: [Veeam]\n"
        for folder in ("rules", "deprecated"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "x.yml").write_text(text.replace("id: a", f"id: {folder}"))
        arguments = ("check", "--no-starter", f"--source=sigma={tmp_path}", "--json")
        (live,) = json.loads(run(*arguments).stdout)["sources"]
        assert (live["rules"], live["left_out"]) == (1, 1)
        (both,) = json.loads(run(*arguments, "--include", "deprecated").stdout)["sources"]
        assert (both["rules"], both["left_out"]) == (2, 0)

    @pytest.mark.parametrize("name", sorted(path.name for path in FAULTY.iterdir()))
    def test_what_cannot_be_read_is_named_and_costs_exit_code_1(
        self, tmp_path: Path, name: str
    ) -> None:
        good = f"--source={name}={DATA / 'golden' / name}"
        for command in (("check",), ("build", "--out", tmp_path)):
            result = run(*command, "--json", good, f"--source={name}={FAULTY / name}")
            assert result.exit_code == 1
            faults = result.stderr.splitlines()
            unread = json.loads(result.stdout)["sources"][-1]["unread"]
            named = [fault for fault in faults if re.match(r"[^:\s]+\.\w+(:\d+)?: ", fault)]
            assert len(named) == unread > 0
            assert not [fault for fault in faults if "Traceback" in fault]
            # The good ones are written all the same, unless a whole source has gone silent.
            written = (tmp_path / "lofp_entries.csv").exists()
            assert written == (command[0] == "build" and "stay as they are" not in result.stderr)

    def test_a_source_that_was_read_twice_is_counted_by_reading(self) -> None:
        own = f"--source=entries={DATA / 'golden' / 'entries'}"
        starter, site = json.loads(run("check", own, "--json").stdout)["sources"]
        for counts in (starter, site):
            kinds = ("benign", "generic", "advice", "placeholder")
            assert sum(counts[kind] for kind in kinds) == counts["statements"]
        assert site["statements"] == 5

    def test_rules_that_share_an_id_are_all_kept_and_told(self, tmp_path: Path) -> None:
        text = "title: {}\nid: a\ntags: [attack.t1059]\ndetection: {{}}\nfalsepositives: [Veeam]\n"
        for name in ("Rule", "Fork"):
            (tmp_path / f"{name}.yml").write_text(text.format(name))
        for command in (("check",), ("build", "--out", tmp_path / "out")):
            result = run(*command, "--no-starter", f"--source=sigma={tmp_path}")
            assert result.exit_code == 0
            assert result.stderr.startswith("lofp-enrich: sigma: 1 id is shared by rules of ")
            assert result.stderr.endswith(
                'titles, such as a by "Fork" and "Rule"; all of them are kept. '
                "Give each rule an id of its own.\n"
            )
        assert (tmp_path / "out" / "lofp_rules.csv").read_bytes().count(b"\n") == 3

    def test_a_source_without_a_technique_is_told(self, tmp_path: Path) -> None:
        text = "title: A\nid: a\ntags: [t1059]\ndetection: {}\nfalsepositives: [Veeam]\n"
        (tmp_path / "a.yml").write_text(text.replace("t1059", "moved-elsewhere"))
        result = run("check", "--no-starter", f"--source=sigma={tmp_path}")
        assert result.exit_code == 1
        assert "sigma: no statement has a technique; the layout of its rules" in result.stderr

    def test_a_source_without_a_rule_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "readme.md").write_text("nothing here")
        result = run("build", f"--source=sigma={tmp_path}", "--out", tmp_path / "out")
        assert result.exit_code == 1
        assert result.stderr.startswith("lofp-enrich: sigma: no rule was found")


class TestWrongUse:
    """Exit code 2 and what to type; 1 for what could not be read or done."""

    @pytest.mark.parametrize(
        ("arguments", "part"),
        [
            (["no-such"], "No such command 'no-such'"),
            (["build", "--colour"], "No such option"),
            (["build", "--source", "sigma="], "'sigma=' is not NAME=PATH with NAME one of sigma,"),
            (["build", "--source", "lofp"], "'lofp' is not NAME=PATH"),
            (["check", "--source", "panther=x"], "'panther=x' is not NAME=PATH"),
            (["check", "--include", "removed"], "'removed' is not"),
            (["enrich", "--format", "xml"], "'xml' is not one of"),
            (["enrich", "--max", "many"], 'max="many" is not possible: give a whole number'),
            (["enrich", "--min-score", "-1"], 'min_score="-1" is not possible'),
            (["enrich", "--kind", "bad"], "give benign, generic, advice"),
            (["enrich", "--evidence", "x"], "give fits, resembles, open, contradicts"),
            (["enrich", "--match", "x"], "give one of auto, rule, technique, exact."),
            (["enrich", "--output", "x"], "give one of brief, full."),
            (["enrich", "--prefix", "1"], "begin with a letter"),
            (["enrich", "--expand", "x"], "give true or false."),
            (["enrich", "no-such-file"], "no-such-file"),
            (["explain"], "Missing argument 'TECHNIQUE...'"),
            (["explain", "T1059", "--max", "0"], 'max="0" is not possible'),
            (["explain", "T1059", "--context", "process"], "'process' is not K=V."),
            (["explain", "T1059", "--context", "=x"], "'=x' is not K=V."),
        ],
    )
    def test_of_an_option(self, known_lookups: Path, arguments: list[str], part: str) -> None:
        if arguments[0] in {"enrich", "explain"}:
            arguments = [*arguments, "--lookups", str(known_lookups)]
        result = run(*arguments, stdin="{}\n")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert part in " ".join(result.stderr.split())
        assert "Traceback" not in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "part"),
        [
            (["build", "--source", "sigma={none}"], "{none}"),
            (["check", "--source", "sigma={file}"], "{file}"),
            (["package", "--lookups", "{none}"], "run lofp-enrich build first."),
            (["enrich", "--lookups", "{none}"], "run lofp-enrich build."),
            (["explain", "T1059", "--lookups", "{none}"], "run lofp-enrich build."),
            (["build", "--out", "{file}"], "name another folder with --out."),
        ],
    )
    def test_of_a_path(self, tmp_path: Path, arguments: list[str], part: str) -> None:
        (tmp_path / "file.tar.gz").write_bytes(b"no archive")
        paths = {"none": tmp_path / "none", "file": tmp_path / "file.tar.gz"}
        result = run(*(argument.format(**paths) for argument in arguments), stdin="{}\n")
        assert result.exit_code == 1
        assert part.format(**paths) in result.stderr
        assert result.stderr.startswith("lofp-enrich: ")
        assert result.stderr.count("\n") == 1

    def test_help_and_version(self) -> None:
        assert run("--version").output == f"lofp-enrich, version {__version__}\n"
        for arguments in ([], ["--help"], ["-h"], ["build", "-h"], ["enrich", "--help"]):
            result = run(*arguments)
            assert result.exit_code in (0, 2)
            assert "Usage:" in result.output


class TestJsonLines:
    ALERTS: tuple[dict[str, Any], ...] = (
        {"technique_id": "T1059.001", "process": "powershell.exe", "n": 1, "x": None, "y": 1.5},
        {"rule.mitre.id{}": ["T1003.002", "T1059.001"], "user": {"name": "\u00e4"}, "z": [1, None]},
        {"search_name": "ESCU - Scanner Service Stopped - Rule"},
        {},
        {"lofp_status": "old", "lofp_other": "goes", "lofpother": "stays"},
    )

    def test_one_line_out_for_each_line_in_with_the_fields_added(self, known_lookups: Path) -> None:
        text = "".join(json.dumps(alert) + "\n" for alert in self.ALERTS)
        result = run("enrich", "--lookups", known_lookups, stdin=text)
        assert (result.exit_code, result.stderr) == (0, "")
        found = lines(result.stdout)
        assert len(found) == len(self.ALERTS)
        for alert, enriched in zip(self.ALERTS, found):
            foreign = {n: value for n, value in alert.items() if not n.startswith("lofp_")}
            assert {name: enriched[name] for name in foreign} == foreign
            assert list(enriched) == [*foreign, *BRIEF]
            assert all(isinstance(enriched[name], list) for name in BRIEF[2:])
        statuses = [enriched["lofp_status"] for enriched in found]
        assert statuses == [*["matched"] * 3, "no_technique", "no_technique"]

    def test_odd_lines_go_through_where_they_stood(self, known_lookups: Path) -> None:
        deep = "[" * 200_000
        text = (
            '{"technique_id": "T1059.001"}\n\nno json\n[1]\n"text"\n12\nnull\n{"a":}\n'
            f"{deep}\n" + '{"technique_id": "T1059.001", "last": 1}'
        )
        result = run("enrich", "--lookups", known_lookups, "--prefix", "my_", stdin=text)
        assert result.exit_code == 1
        assert result.stderr.startswith(
            "lofp-enrich: 7 lines are no JSON object; they went through"
        )
        assert result.stderr.count("\n") == 1
        kept = result.stdout.split("\n")
        assert len(kept) == 11
        # A blank line is no alert and no fault, and keeps the count of lines.
        assert kept[1] == ""
        found = lines("\n".join([kept[0], *kept[2:-1]]))
        raw = [each.get("_raw") for each in found]
        assert raw == [None, "no json", "[1]", '"text"', "12", "null", '{"a":}', deep, None]
        assert {each["my_status"] for each in found[1:-1]} == {"error"}
        assert found[-1]["my_status"] == "matched"
        assert not [name for each in found for name in each if name.startswith("lofp_")]

    @pytest.mark.parametrize("depth", [*range(100, 1000, 100), *range(900, 1100, 5), 20_000])
    def test_nesting_of_any_depth(self, known_lookups: Path, depth: int) -> None:
        text = '{"technique_id": ' + "[" * depth + '"T1059.001"' + "]" * depth + "}\n{}\n"
        result = run("enrich", "--lookups", known_lookups, stdin=text)
        assert len(result.stdout.splitlines()) == 2

    def test_a_windows_file(self, known_lookups: Path, tmp_path: Path) -> None:
        path = tmp_path / "alerts.json"
        path.write_bytes(b'\xef\xbb\xbf{"technique_id": "T1059.001"}\r\n{}\r\n')
        result = run("enrich", path, "--lookups", known_lookups)
        assert result.exit_code == 0
        assert [each["lofp_status"] for each in lines(result.stdout)] == ["matched", "no_technique"]

    def test_what_is_no_utf_8_and_half_a_surrogate_pair(self, known_lookups: Path) -> None:
        text = b'{"technique_id": "T1059.001", "a": "\xff", "b": "\\ud800"}\n'
        result = run("enrich", "--lookups", known_lookups, stdin=text)
        assert result.exit_code == 0
        (found,) = lines(result.stdout)
        assert (found["a"], found["b"], found["lofp_status"]) == ("\ufffd", "\ud800", "matched")

    def test_no_number_becomes_what_json_does_not_know(self, known_lookups: Path) -> None:
        text = '{"a": 1e400, "b": -1e400, "c": 12345678901234567890, "d": 0.5}\n'
        result = run("enrich", "--lookups", known_lookups, stdin=text)
        assert "Infinity" not in result.stdout
        assert lines(result.stdout)[0]["c"] == 12345678901234567890

    def test_expand_alone_makes_more_lines(self, known_lookups: Path) -> None:
        text = '{"technique_id": "T1059.001", "n": 1}\n{"n": 2}\n'
        result = run(
            "enrich", "--lookups", known_lookups, "--expand", "true", "--max", "2", stdin=text
        )
        assert [each["n"] for each in lines(result.stdout)] == [1, 1, 2]

    def test_options_are_those_of_the_search(self, known_lookups: Path) -> None:
        text = '{"my ids": "T1059.001", "T": "T1078", "about": "encoded", "other": "x"}\n'
        result = run(
            *("enrich", "--lookups", known_lookups, "--technique-field", "my ids,other"),
            *("--context-fields", "about", "--rule-field", "T", "--source", "entries"),
            *("--kind", "benign", "--product", "windows", "--match", "exact"),
            *("--output", "full", "--max", "9", "--min-score", "5", "--prefix", "x_"),
            stdin=text,
        )
        (found,) = lines(result.stdout)
        assert [name for name in found if name.startswith("x_")] == [
            f"x_{name}" for name in OUTPUT_FULL
        ]
        assert found["x_count"] == "1"
        assert found["x_why"] == ["same technique, shares: encoded, command"] or found["x_why"]

    @pytest.mark.parametrize("output", ["brief", "full"])
    @pytest.mark.parametrize(
        ("alert", "kept"),
        [
            ({"a": 1, "x_check": "Close it.", "x_": [1], "x_new": {"b": 1}}, {"a": 1}),
            ({"lofp_check": "theirs", "X_check": "theirs"}, None),
            ({"x_technique_id": "T1059.001", "x_rule": "x"}, {}),
            (
                {"preview": False, "x_url": "x", "result": {"a": 1, "x_check": "Close it."}},
                {"preview": False, "result": {"a": 1}},
            ),
            (
                {"_index": "i", "x_new": 1, "_source": {"result": {"x_url": 1, "a": {"x_b": 1}}}},
                {"_index": "i", "_source": {"result": {"a": {"x_b": 1}}}},
            ),
        ],
    )
    def test_what_begins_with_the_prefix_is_ours(
        self,
        known_lookups: Path,
        output: str,
        alert: dict[str, Any],
        kept: dict[str, Any] | None,
    ) -> None:
        result = run(
            *("enrich", "--lookups", known_lookups, "--prefix", "x_", "--output", output),
            stdin=json.dumps(alert) + "\n",
        )
        (found,) = lines(result.stdout)
        names = OUTPUT_FULL if output == "full" else OUTPUT_BRIEF
        assert list(found) == [*(alert if kept is None else kept), *(f"x_{n}" for n in names)]
        ours = {name: found.pop(name) for name in list(found) if name.startswith("x_")}
        assert found == (alert if kept is None else kept)
        assert ours["x_status"] == "no_technique"

    @pytest.mark.parametrize("form", ["jsonl", "csv"])
    def test_names_that_nothing_has_are_said_once(self, known_lookups: Path, form: str) -> None:
        text = "technique_id\nT1059.001\nT1059.001\n"
        if form == "jsonl":
            text = '{"technique_id": "T1059.001"}\n' * 2
        result = run(
            *("enrich", "--lookups", known_lookups, "--format", form, "--source", "sigmaa"),
            *("--product", "windowx,windows", "--technique-field", "technique_id,nosuch"),
            *("--rule-field", "no\x1b[31m", "--context-fields", "about"),
            stdin=text,
        )
        assert result.exit_code == 0
        said = [line.partition("lofp-enrich: ")[2] for line in result.stderr.splitlines()]
        assert [line.partition(";")[0] for line in said] == [
            'source names "sigmaa", which nothing in the catalogue has',
            'product names "windowx", which nothing in the catalogue has',
            'technique_field names "nosuch", which no alert had',
            'rule_field names "no[31m", which no alert had',
            'context_fields names "about", which no alert had',
        ]

    def test_no_field_is_missed_where_there_are_no_alerts(self, known_lookups: Path) -> None:
        arguments = ("--lookups", known_lookups, "--technique-field", "nosuch")
        assert run("enrich", *arguments, stdin="").stderr == ""


class TestCsv:
    def enriched(self, lookups: Path, text: str | bytes, *arguments: str) -> list[list[str]]:
        result = run("enrich", "--lookups", lookups, "--format", "csv", *arguments, stdin=text)
        assert (result.exit_code, result.stderr) == (0, "")
        # Not `stdout`, in which click makes "\r\n" a "\n".
        return table(result.stdout_bytes.decode("utf-8"))

    def test_one_row_out_for_each_row_in_with_the_columns_added(self, known_lookups: Path) -> None:
        text = (
            'technique_id,n,"a ""b"", c"\n'
            'T1059.001,1,"line\r\nbreak"\n'
            '"T1003.002\nT1078.004",2,\n'
            ",3,x\n"
            "\n"
            "T1685,5\n"
        )
        header, *rows = self.enriched(known_lookups, text)
        assert header == ["technique_id", "n", 'a "b", c', *BRIEF]
        assert [row[1] for row in rows] == ["1", "2", "3", "", "5"]
        assert rows[0][2] == "line\r\nbreak"
        assert rows[1][0] == "T1003.002\nT1078.004"
        assert {len(row) for row in rows} == {len(header)}
        status = header.index("lofp_status")
        assert [row[status] for row in rows] == [
            *("matched", "matched", "no_technique", "no_technique", "matched")
        ]
        # Lists are lines of a cell, as Splunk shows them.
        assert rows[0][header.index("lofp_match")].split("\n") == ["technique"] * 3

    def test_a_file_named_so_is_csv(self, known_lookups: Path, tmp_path: Path) -> None:
        path = tmp_path / "ALERTS.CSV"
        path.write_bytes(b"\xef\xbb\xbftechnique_id\r\nT1059.001\r\n")
        result = run("enrich", path, "--lookups", known_lookups)
        assert table(result.stdout)[1][:2] == ["T1059.001", "matched"]

    def test_no_cell_is_lost(self, known_lookups: Path) -> None:
        result = run(
            *("enrich", "--lookups", known_lookups, "--format", "csv"),
            stdin="technique_id,x,x\nT1059.001,1,2,surplus\n",
        )
        header, row = table(result.stdout)
        assert {"1", "2", "surplus"} <= set(row)
        assert header[:3] == ["technique_id", "x", "x"]

    def test_output_columns_that_are_there_are_written_anew(self, known_lookups: Path) -> None:
        first = run(
            *("enrich", "--lookups", known_lookups, "--format", "csv"),
            stdin="technique_id,n\nT1059.001,1\n,2\n",
        ).stdout
        again = run("enrich", "--lookups", known_lookups, "--format", "csv", stdin=first)
        assert again.stdout == first

    def test_columns_that_begin_with_the_prefix_are_emptied(self, known_lookups: Path) -> None:
        text = (
            "lofp_check,a,lofp_status,lofp_status,__mv_lofp_url,lofpx,technique_id\n"
            "Close it.,b,matched,matched,$x$;$y$,c,T1059.001\n"
        )
        header, row = self.enriched(known_lookups, text)
        assert header[:7] == text.split("\n")[0].split(",")
        assert row[:7] == ["", "b", "matched", "", "", "c", "T1059.001"]
        assert header[7:] == [name for name in BRIEF if name != "lofp_status"]

    @pytest.mark.parametrize("text", ["", "\n"])
    def test_without_a_header_it_is_no_csv(self, known_lookups: Path, text: str) -> None:
        result = run("enrich", "--lookups", known_lookups, "--format", "csv", stdin=text)
        assert result.exit_code == 1
        assert "the CSV has no header; its first line must name the fields." in result.stderr

    @pytest.mark.parametrize(
        "data", [b"technique_id,n\nT1059.001,\0\n", b"technique_id\xff,n\n1,\xff\n", b'a\n"open']
    )
    def test_odd_bytes(self, known_lookups: Path, data: bytes) -> None:
        result = run("enrich", "--lookups", known_lookups, "--format", "csv", stdin=data)
        assert result.exit_code in (0, 1)
        assert "Traceback" not in result.stderr

    def test_a_cell_of_a_megabyte(self, known_lookups: Path) -> None:
        long = "x" * 2**20
        _, row = self.enriched(known_lookups, f"technique_id,a\nT1059.001,{long}\n")
        assert row[1] == long


class TestExplain:
    def test_the_answer_of_enrich_for_a_person(self, known_lookups: Path) -> None:
        result = run(
            *("explain", "T1059.001", "--lookups", known_lookups, "--max", "2"),
            *("--context", "process=powershell.exe -EncodedCommand agent"),
        )
        assert (result.exit_code, result.stderr) == (0, "")
        text = " ".join(result.stdout.split())
        assert "The deployment tool's agent starts powershell.exe with an encoded command" in text
        assert "check The parent is the agent's service" in text
        assert "T1059.001 PowerShell: same technique, shares: " in text
        assert "says Our own (entries" in text
        assert re.search(r"2 of \d+ explanations", text)

    def test_several_techniques_old_ids_and_a_rule(self, known_lookups: Path) -> None:
        result = run(
            *("explain", "T1089", "T1078.004", "--lookups", known_lookups, "--max", "50"),
            *("--rule", "ESCU - Scanner Service Stopped - Rule"),
        )
        text = " ".join(result.stdout.split())
        assert "stated by this rule (nearness 100)" in text
        assert "T1685 Disable or Modify Tools" in text
        assert "T1078.004 Cloud Accounts" in text

    @pytest.mark.parametrize(
        ("techniques", "reason"),
        [
            (["T9999"], "T9999 has no explanation in these lookups."),
            (["TA0002", "nonsense"], "TA0002, nonsense names no technique in these lookups."),
        ],
    )
    def test_nothing_to_say_is_exit_code_1(
        self, known_lookups: Path, techniques: list[str], reason: str
    ) -> None:
        result = run("explain", *techniques, "--lookups", known_lookups)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"lofp-enrich: {reason}\n"

    def test_a_name_is_as_good_as_an_id(self, known_lookups: Path) -> None:
        assert run("explain", "cloud accounts", "--lookups", known_lookups).exit_code == 0

    def test_own_explanations_and_their_faults(self, known_lookups: Path, tmp_path: Path) -> None:
        for path in known_lookups.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        (tmp_path / "lofp_local.csv").write_text("statement,expires\nmine,\nbad,soon\n")
        result = run("explain", "T1059", "--lookups", tmp_path)
        assert result.exit_code == 0
        assert "mine" in result.stdout
        assert "own explanation (nearness 100)" in result.stdout
        assert result.stderr == (
            "lofp-enrich: lofp_local.csv:3: expires: soon is no date such as 2027-01-31\n"
        )


class TestAsAProcess:
    """What a runner inside this process cannot show: encodings, pipes, `python -m`."""

    ENRICH = (sys.executable, "-m", "lofp_enrich", "enrich", "--lookups")

    @pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
    def test_any_terminal_gets_utf_8(self, known_lookups: Path, encoding: str) -> None:
        done = subprocess.run(
            [*self.ENRICH, str(known_lookups), "--format", "csv"],
            input="technique_id,x\nT1059.001,\u65e5\u672c\n".encode(),
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == b""
        assert table(done.stdout.decode("utf-8"))[1][1] == "\u65e5\u672c"
        assert b"\r\n" not in done.stdout

    def test_a_reader_that_goes_is_no_fault_of_ours(
        self, known_lookups: Path, tmp_path: Path
    ) -> None:
        alerts = tmp_path / "alerts.jsonl"
        alerts.write_bytes(b'{"technique_id": "T1059.001"}\n' * 20_000)
        with subprocess.Popen(
            [*self.ENRICH, str(known_lookups), str(alerts)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""


@pytest.fixture(scope="module")
def enricher(known_lookups: Path) -> Enricher:
    return Enricher(LookupIndex.load(known_lookups), LocalRows(), parse({}))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = st.text(max_size=5) | st.sampled_from(["technique_id", "search_name", "annotations"])


@examples(60)
@given(alerts=st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=4))
def test_any_alert_comes_back_as_it_was(enricher: Enricher, alerts: list[dict[str, Any]]) -> None:
    out = io.StringIO()
    text = [json.dumps(alert) + "\n" for alert in alerts]
    assert enrich_alerts(alerts_of(text, "jsonl"), out, enricher).faults == 0
    found = lines(out.getvalue())
    assert len(found) == len(alerts)
    for alert, enriched in zip(alerts, found):
        kept = {name: value for name, value in enriched.items() if name not in BRIEF}
        assert kept == {name: value for name, value in alert.items() if name not in BRIEF}
        assert set(BRIEF) <= set(enriched)


CELLS = st.text(
    st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8
) | st.sampled_from(["T1059.001", ""])


@examples(60)
@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=5))
def test_any_csv_comes_back_as_it_was(enricher: Enricher, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["technique_id", "b", "c"], *rows])
    out = io.StringIO()
    enrich_alerts(alerts_of(io.StringIO(text.getvalue(), newline=""), "csv"), out, enricher)
    _, *found = table(out.getvalue())
    assert len(found) == len(rows)
    for row, enriched in zip(rows, found):
        assert enriched[:3] == [*row, ""][:3]
        assert row[3:] == [cell for cell in row[3:] if cell in enriched]


class TestDocumentation:
    """What there is to type is in the README, and the README's is there."""

    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")

    def test_every_subcommand_has_its_help_and_its_place(self) -> None:
        for name, command in main.commands.items():
            assert command.help, name
            assert f"lofp-enrich {name}" in self.readme, name

    def test_every_option_of_every_subcommand(self) -> None:
        named = {
            option: name
            for name, command in main.commands.items()
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--")
        }
        assert {option: name for option, name in named.items() if option not in self.readme} == {}

    def test_every_option_of_the_search_command(self) -> None:
        for name in OPTIONS:
            assert f"`{name}`" in self.readme, name
            assert f"[{name}=" in self.readme, name

    def test_every_output_field_and_status(self) -> None:
        for name in OUTPUT_BRIEF:
            assert f"`lofp_{name}`" in self.readme, name
        for name in set(OUTPUT_FULL) - set(OUTPUT_BRIEF):
            assert re.search(rf"\b{name}\b", self.readme), name
        for status in ("matched", "no_match", "no_technique", "no_catalogue", "error"):
            assert f"`{status}`" in self.readme, status

    def test_commands_that_it_names_are_there(self) -> None:
        for name in re.findall(r"lofp-enrich ([a-z]+)", self.readme):
            assert name in main.commands, name
