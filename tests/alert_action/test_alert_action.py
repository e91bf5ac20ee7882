"""The alert action: what it delivers where, and that nothing it meets gets in an alert's way."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.search.answer.enrich import Answer
from lofp_enrich.search.answer.explanation import Explanation
from lofp_enrich.search.splunk.alert_results import comment_text, read_results
from tests.fetch.certificates import Authority
from tests.splunkd import Event, FakeSplunkd
from tests.splunkd.pythons import running

from .conftest import SESSION_KEY, SID, Action
from .standin import NOTABLE_UPDATE, NOTES, RECEIVER, SUITE, Standin

FINDING = "2008e99d-af14-4fec-89da-b9b17a81820a@@notable@@time1768225865"
OLD_FINDING = "2008e99d-af14-4fec-89da-b9b17a81820a@@notable@@0123456789abcdef0123456789abcdef"
EXPLAINED = (
    *("statement", "evidence", "because", "software", "check", "against", "score", "rule"),
    *("entry_id", "why", "technique_in"),
)
"""What an event has of an explanation, as the command has it."""


@pytest.fixture(scope="session")
def technique(starter_lookups: Path) -> str:
    """The technique that the app explains best."""
    with (starter_lookups / "lofp_techniques.csv").open(encoding="utf-8", newline="") as file:
        counts = Counter(row["technique"] for row in csv.DictReader(file))
    name, count = counts.most_common(1)[0]
    assert count >= 3
    return name


@pytest.fixture
def finding(technique: str) -> Event:
    """As it comes out of `notable`."""
    return {
        "_time": "1768225865.000",
        "event_id": FINDING,
        "rule_id": FINDING,
        "orig_sid": "scheduler__admin__ES__RMD5_at_1768225800_7",
        "orig_rid": "3",
        "search_name": "Threat - Odd logon - Rule",
        "annotations.mitre_attack": ["T0000", technique],
    }


def sent(splunkd: Standin) -> list[dict[str, Any]]:
    """All events that splunkd was sent."""
    return [event for request in splunkd.requests for event in request.events]


class TestEvents:
    def test_explain_every_result(self, action: Action, technique: str) -> None:
        results: list[Event] = [
            {"technique_id": technique, "note": "cafe"},
            {"technique_id": "T0000", "note": 'a "quoted", text\nwith $lines$;$'},
            {"host": "web-1", "event_id": "4688"},
        ]
        outcome = action.run(results)
        assert outcome.returncode == 0
        (request,) = action.splunkd.requests
        assert (request.method, request.path) == ("POST", RECEIVER)
        assert request.query == {
            "index": "summary",
            "source": "lofp_explain",
            "sourcetype": "lofp:explanation",
        }
        assert request.content_type == "text/plain"
        events = request.events
        assert [event["orig_rid"] for event in events] == ["0", "0", "0", "1", "2"]
        assert {event["orig_sid"] for event in events} == {SID}
        assert [event.get("lofp_rank") for event in events] == [1, 2, 3, None, None]
        statuses = [event["lofp_status"] for event in events]
        assert statuses == ["matched"] * 3 + ["no_match", "no_technique"]
        # The number of a Windows event is no finding.
        assert not any("event_id" in event for event in events)
        assert 'signature="explained 1 of 3 results, events: 5"' in outcome.line

    def test_are_what_the_command_says(
        self, action: Action, technique: str, built_app: Path, tmp_path: Path
    ) -> None:
        result: Event = {
            "mitre_technique": [f"{technique} - Some name", "T9999"],
            "CommandLine": 'schtasks /create /tn "backup" /tr powershell.exe',
            "search_name": "ESCU - Something - Rule",
        }
        assert action.run([result], {"max": "5", "min_score": "0"}).returncode == 0
        python = running().path
        assert python is not None
        emulator = FakeSplunkd(built_app, python, work_dir=tmp_path / "work")
        search = "| lofpenrich output=full max=5 min_score=0 expand=t narrow=f"
        told = emulator.search(search, [result]).events
        assert len(told) > 1
        for event, expected in zip(sent(action.splunkd), told):
            for name in EXPLAINED:
                assert event.get(f"lofp_{name}", "-") == expected[f"lofp_{name}"]

    def test_begin_with_their_time_as_props_read_it(self, action: Action, technique: str) -> None:
        action.run([{"technique_id": technique}])
        line = action.splunkd.requests[0].body.splitlines()[0]
        assert re.match(r'\{"time": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", ', line)
        assert line.isascii()

    def test_of_a_finding_lead_to_the_search_that_made_it(
        self, action: Action, finding: Event
    ) -> None:
        outcome = action.run([{**finding, "rid": "5"}], {"index": "main", "max": "1"})
        (event,) = sent(action.splunkd)
        assert action.splunkd.requests[0].query["index"] == "main"
        links = {name: event[name] for name in ("orig_sid", "orig_rid", "sid", "rid", "event_id")}
        assert links == {
            "orig_sid": finding["orig_sid"],
            "orig_rid": "3",
            "sid": SID,
            "rid": "5",
            "event_id": FINDING,
        }
        assert event["search_name"] == finding["search_name"]
        assert event["orig_time"] == "1768225865.000"
        assert event["orig_action_name"] == "lofp_explain"
        # Enterprise Security shows the state of a response by these.
        for part in (f'sid="{SID}"', f'orig_sid="{finding["orig_sid"]}"', 'rid="5"'):
            assert part in outcome.line

    def test_of_one_result_alone_have_its_number(self, action: Action, technique: str) -> None:
        action.run([{"technique_id": technique}], {"max": "1"}, result_id=7)
        assert sent(action.splunkd)[0]["orig_rid"] == "7"

    def test_of_thousands_of_results_go_in_batches(self, action: Action, technique: str) -> None:
        results: list[Event] = [{"technique_id": technique, "n": str(n)} for n in range(2_000)]
        assert action.run(results, {"max": "1"}).returncode == 0
        assert len(action.splunkd.requests) > 1
        assert [event["rid"] for event in sent(action.splunkd)] == [str(n) for n in range(2_000)]

    def test_leave_out_what_scores_less(self, action: Action, technique: str) -> None:
        action.run([{"technique_id": technique}], {"min_score": "100"})
        (event,) = sent(action.splunkd)
        assert "lofp_statement" not in event
        assert event["lofp_count"] > 0

    def test_are_none_without_results(self, action: Action) -> None:
        for results in (b"", gzip.compress(b""), gzip.compress(b"a,__mv_a\n"), ()):
            action.logfile.unlink(missing_ok=True)
            outcome = action.run(results, {"deliver": "both"})
            assert outcome.returncode == 0
            assert 'signature="no results to explain"' in outcome.line
        assert action.splunkd.requests == []

    def test_say_what_speaks_for_and_against(self, action: Action, technique: str) -> None:
        masked = "C:\\Users\\Public\\Dropbox.exe"
        action.run([{"technique_id": technique, "process_path": masked}], {"max": "1"})
        (event,) = sent(action.splunkd)
        assert event["lofp_evidence"] == "contradicts"
        assert event["lofp_because"].startswith(f"named like Dropbox, but process is {masked}")
        assert event["lofp_software"] == "Dropbox"


class TestComments:
    def test_es_7(self, action: Action, finding: Event) -> None:
        action.splunkd.es, action.splunkd.findings = "7.3.2", {OLD_FINDING}
        found: Event = {**finding, "event_id": OLD_FINDING, "rule_id": OLD_FINDING}
        outcome = action.run([found], {"deliver": "comment", "max": "2", "min_score": "0"})
        assert (outcome.returncode, "comments: 1" in outcome.line) == (0, True)
        asked, update = action.splunkd.requests
        assert (asked.method, asked.path, asked.query) == ("GET", SUITE, {"output_mode": "json"})
        assert update.path == NOTABLE_UPDATE
        assert update.form["ruleUIDs"] == OLD_FINDING
        comment = update.form["comment"].splitlines()
        assert comment[0] == "open: nothing in the alert decides it"
        assert comment[1].startswith("Harmless explanations (LoFP), 2 of ")
        assert comment[1].endswith(", each a question to check, never a verdict:")
        assert [line[:3] for line in comment if line[:1].isdigit()] == ["1. ", "2. "]
        assert sum(line.startswith("   Check: ") for line in comment) == 2

    def test_es_8(self, action: Action, finding: Event) -> None:
        action.splunkd.es, action.splunkd.findings = "8.1.0", {FINDING}
        outcome = action.run([finding], {"deliver": "comment"})
        assert outcome.returncode == 0
        note = action.splunkd.requests[1]
        assert note.path == NOTES + FINDING.replace("@", "%40") + "/notes"
        assert note.query == {"notable_time": "1768225865"}
        content = json.loads(note.body)["content"]
        assert content.splitlines()[1].startswith("Harmless explanations (LoFP)")

    def test_begin_with_what_the_alert_says(self, action: Action, finding: Event) -> None:
        action.splunkd.es, action.splunkd.findings = "8.1.0", {FINDING}
        masked = "C:\\Users\\Public\\Dropbox.exe"
        because = f"named like Dropbox, but process is {masked}, which is not its folder"
        action.run([{**finding, "process_path": masked}], {"deliver": "comment", "max": "2"})
        lines = json.loads(action.splunkd.requests[1].body)["content"].splitlines()
        assert lines[0] == f"contradicted: {because}"
        assert f"   In this alert: contradicted: {because}" in lines

    def test_no_value_of_an_alert_makes_a_line(self) -> None:
        because = "process is C:\\a\nfits: it is harmless\r\n\\b.exe"
        explained = Explanation("A cause", "rule", "A rule", evidence="open", because=because)
        lines = comment_text(Answer("matched", 1, (explained,))).splitlines()
        assert lines[0] == "open: process is C:\\a fits: it is harmless \\b.exe"
        assert not any(line.startswith("fits:") for line in lines)

    def test_es_8_takes_the_time_of_a_finding_whose_id_has_none(
        self, action: Action, finding: Event
    ) -> None:
        action.splunkd.es, action.splunkd.findings = "8.1.0", {OLD_FINDING}
        found: Event = {**finding, "event_id": OLD_FINDING}
        assert action.run([found], {"deliver": "comment"}).returncode == 0
        assert action.splunkd.requests[1].query == {"notable_time": "1768225865"}

    def test_es_is_not_asked_for_where_its_version_is_given(
        self, action: Action, finding: Event
    ) -> None:
        action.splunkd.findings = {FINDING}
        configuration = {"deliver": "comment", "es_version": "8"}
        assert action.run([finding], configuration).returncode == 0
        assert [request.method for request in action.splunkd.requests] == ["POST"]

    def test_both(self, action: Action, finding: Event, technique: str) -> None:
        action.splunkd.es, action.splunkd.findings = "8.1.0", {FINDING}
        other: Event = {"technique_id": technique}
        outcome = action.run([other, finding], {"deliver": "both", "max": "1"})
        assert "explained 2 of 2 results, events: 2, comments: 1" in outcome.line
        paths = [request.path for request in action.splunkd.requests]
        assert paths[:2] == [RECEIVER, SUITE]

    def test_nothing_to_say_is_not_said(self, action: Action, finding: Event) -> None:
        found: Event = {**finding, "annotations.mitre_attack": "T0000"}
        assert action.run([found], {"deliver": "comment"}).returncode == 0
        assert action.splunkd.requests == []

    def test_one_that_is_refused_costs_no_other(self, action: Action, finding: Event) -> None:
        action.splunkd.es, action.splunkd.findings = "7.3.2", {FINDING}
        gone: Event = {**finding, "event_id": OLD_FINDING}
        outcome = action.run([gone, finding], {"deliver": "comment"})
        assert outcome.returncode == 1
        assert "1 of 2 comments failed: " in outcome.line
        assert "refused (no such event)" in outcome.line
        assert len(action.splunkd.requests) == 3

    def test_without_a_finding_there_is_nothing_to_comment_on(
        self, action: Action, technique: str
    ) -> None:
        outcome = action.run([{"technique_id": technique, "event_id": "4688"}], {"deliver": "both"})
        assert outcome.returncode == 1
        assert "no result is a finding" in outcome.line
        assert len(sent(action.splunkd)) == 3


class TestFailures:
    """Each is one line that says what happened, and exit code 1."""

    @pytest.mark.parametrize(
        ("deliver", "es", "path", "answer", "said"),
        [
            ("index", "", RECEIVER, (401, b""), "401 (the session key is not accepted)"),
            ("index", "", RECEIVER, (403, b"no"), "403 (the owner of this search may not do that)"),
            ("index", "", RECEIVER, (500, b"<html>"), "answered POST " + RECEIVER + " with 500"),
            ("index", "", RECEIVER, (302, b""), "with 302"),
            ("comment", "", SUITE, None, "Enterprise Security is not installed here"),
            ("comment", "8.1.0", SUITE, (403, b""), "403 (the owner of this search"),
            ("comment", "8.1.0", SUITE, (200, b"{}"), "set es_version to 7 or 8"),
            ("comment", "8.1.0", SUITE, (200, b"<xml/>"), "set es_version to 7 or 8"),
            ("comment", "7.3.2", NOTABLE_UPDATE, (401, b""), "1 of 1 comments failed: "),
            ("comment", "7.3.2", NOTABLE_UPDATE, (200, b"<p>"), "its answer cannot be read"),
            ("comment", "7.3.2", NOTABLE_UPDATE, (500, b""), NOTABLE_UPDATE + " with 500"),
            ("comment", "8.1.0", NOTES, None, "404 (there is no such thing)"),
        ],
    )
    def test_refusals(
        self,
        action: Action,
        finding: Event,
        deliver: str,
        es: str,
        path: str,
        answer: tuple[int, bytes] | None,
        said: str,
    ) -> None:
        action.splunkd.es = es
        if answer:
            action.splunkd.faults[path] = answer
        outcome = action.run([finding], {"deliver": deliver})
        assert outcome.returncode == 1
        assert outcome.stderr == ""
        assert said in outcome.line
        assert " ERROR " in outcome.line
        assert 'action_status="failure"' in outcome.line
        assert len(action.splunkd.requests) <= 2

    def test_wrong_session_key(self, action: Action, finding: Event) -> None:
        action.splunkd.session_key = "another"
        outcome = action.run([finding])
        assert outcome.returncode == 1
        assert "401 (the session key is not accepted: call not properly" in outcome.line

    def test_an_answer_that_gives_the_session_key_away(
        self, action: Action, finding: Event
    ) -> None:
        body = f"<response><messages><msg>{SESSION_KEY}</msg></messages></response>".encode()
        action.splunkd.faults[RECEIVER] = (500, body)
        assert "********" in action.run([finding]).line

    def test_unknown_index(self, action: Action, finding: Event) -> None:
        outcome = action.run([finding], {"index": "nowhere"})
        assert outcome.returncode == 1
        assert "index nowhere: " in outcome.line
        assert "400 (supplied index 'nowhere' missing)" in outcome.line

    def test_events_fail_and_comments_do_not(self, action: Action, finding: Event) -> None:
        action.splunkd.es, action.splunkd.findings = "8.1.0", {FINDING}
        action.splunkd.faults[RECEIVER] = (503, b"")
        outcome = action.run([finding], {"deliver": "both"})
        assert outcome.returncode == 1
        assert "index summary: " in outcome.line
        assert len(action.splunkd.requests) == 3

    def test_slow_server(self, action: Action, finding: Event) -> None:
        action.splunkd.silence = 3
        outcome = action.run([finding], {"timeout": "1"})
        assert outcome.returncode == 1
        assert f"splunkd did not answer POST {RECEIVER} in time" in outcome.line

    def test_nobody_there(self, action: Action, finding: Event) -> None:
        outcome = action.run([finding], server_uri="https://127.0.0.1:1")
        assert outcome.returncode == 1
        assert f"POST {RECEIVER} failed (ConnectionRefusedError)" in outcome.line

    @pytest.mark.parametrize(
        "damage",
        [b"no gzip", gzip.compress(b"a,b\n" * 5_000)[:-30], b"\x1f\x8b\x08\x00" + b"\xff" * 40],
        ids=["plain", "cut", "broken"],
    )
    def test_damaged_results(self, action: Action, damage: bytes) -> None:
        outcome = action.run(damage)
        assert outcome.returncode == 1
        assert "the results of the alert cannot be read (" in outcome.line
        assert action.splunkd.requests == []

    def test_no_results_file(self, action: Action) -> None:
        outcome = action.run(results_file=str(action.home / "gone.csv.gz"))
        assert outcome.returncode == 1
        assert "cannot be read (No such file or directory)" in outcome.line

    def test_odd_bytes_in_results_are_none(self, action: Action, technique: str) -> None:
        rows = f'technique_id,"a"\n{technique},"x\0\xff"\n\n{technique}\n'
        data = rows.encode("latin-1")
        assert action.run(gzip.compress(data)).returncode == 0
        assert len(sent(action.splunkd)) == 6

    @pytest.mark.parametrize("gone", ["lofp_attack.csv", "lofp_entries.csv"])
    def test_missing_lookup(
        self, action: Action, finding: Event, gone: str, tmp_path: Path
    ) -> None:
        action.app = shutil.copytree(action.app, tmp_path / "apps" / "lofp_enrich")
        action.lookups = action.app / "lookups"
        (action.lookups / gone).unlink()
        outcome = action.run([finding])
        assert outcome.returncode == 1
        assert f"{gone} cannot be read" in outcome.line
        assert action.splunkd.requests == []

    def test_faulty_own_explanations_cost_nothing(
        self, action: Action, finding: Event, tmp_path: Path
    ) -> None:
        action.app = shutil.copytree(action.app, tmp_path / "apps" / "lofp_enrich")
        action.lookups = action.app / "lookups"
        own = action.lookups / "lofp_local.csv"
        own.write_text("statement,expires\nBackup,soon\nPatching,\n")
        outcome = action.run([finding], {"max": "1"})
        assert outcome.returncode == 0
        assert "lofp_local.csv:2: expires: soon is no date" in outcome.line
        assert sent(action.splunkd)[0]["lofp_statement"] == "Patching"
        own.write_text("other\n")
        assert action.run([finding]).returncode == 0

    @pytest.mark.parametrize(
        ("configuration", "said"),
        [
            ({"deliver": "mail"}, "deliver=mail is not possible: give index, comment or both"),
            ({"index": "_audit"}, "index=_audit is not possible"),
            ({"index": "a&index=b"}, "index=a&index=b is not possible"),
            ({"es_version": "6"}, "es_version=6 is not possible: give auto, 7 or 8"),
            ({"timeout": "0"}, "timeout=0 is not possible: give 1 to 240"),
            ({"timeout": "241"}, "timeout=241 is not possible"),
            ({"timeout": "1e1"}, "timeout=1e1 is not possible"),
            ({"max": "1000"}, "max='1000' is not possible"),
            ({"min_score": "high"}, "min_score='high' is not possible"),
            ({"ca_file": "nowhere.pem"}, "ca_file=nowhere.pem cannot be read"),
        ],
    )
    def test_wrong_parameters(
        self, action: Action, finding: Event, configuration: dict[str, str], said: str
    ) -> None:
        outcome = action.run([finding], configuration)
        assert outcome.returncode == 1
        assert said in outcome.line

    @pytest.mark.parametrize("stdin", [b"", b"{", b"[]", b"\xff\xfe", b'{"a": ' * 100_000])
    def test_wrong_payload(self, action: Action, stdin: bytes) -> None:
        outcome = action.run(stdin=stdin)
        assert outcome.returncode == 1
        assert "is no JSON object" in outcome.line

    @pytest.mark.parametrize("key", [None, "", "a b", "a\r\nX-Other: b"])
    def test_no_session_key(self, action: Action, finding: Event, key: str | None) -> None:
        outcome = action.run([finding], session_key=key)
        assert outcome.returncode == 1
        assert "Splunk sent no session key" in outcome.line

    def test_what_nobody_thought_of(self, action: Action, finding: Event) -> None:
        outcome = action.run([finding], server_uri="https://[::1")
        assert outcome.returncode == 1
        assert re.search(r"unexpected ValueError: .* \(\w+\.py:\d+\)", outcome.line)

    def test_no_alert_at_all(self, action: Action) -> None:
        outcome = action.run(arguments=())
        assert outcome.returncode == 2
        assert "--execute" in outcome.line


class TestLog:
    def test_without_a_home_is_standard_error(self, action: Action, finding: Event) -> None:
        for environ in ({}, {"SPLUNK_HOME": str(action.home / "nowhere")}):
            outcome = action.run([finding], environ=environ)
            assert (outcome.returncode, outcome.log) == (0, [])
            assert "sendmodaction - signature=" in outcome.line

    def test_line_is_one_line_of_pairs(self, action: Action, finding: Event) -> None:
        outcome = action.run([finding], search_name='a "b"\r\nc\u2028', owner="é" * 2_000)
        pairs = re.findall(r'(\w+)="([^"]*)"', outcome.line)
        assert dict(pairs)["search_name"].startswith("a 'b' c")
        assert len(dict(pairs)["user"]) == 1_000
        line = re.sub(r' ?\w+="[^"]*"', "", outcome.line)
        assert re.fullmatch(
            r"\d{4}(-\d\d){2} \d\d(:\d\d){2},\d{3}\+0000 INFO pid=\d+ \| sendmodaction -", line
        )

    def test_does_not_grow_without_end(self, action: Action, finding: Event) -> None:
        action.logfile.write_bytes(b"x" * 10_000_001)
        action.run([finding])
        assert action.logfile.stat().st_size < 2_000
        assert action.logfile.with_name(action.logfile.name + ".1").stat().st_size == 10_000_001


class TestCertificates:
    def test_on_this_machine_is_verified_where_that_is_asked_for(
        self, action: Action, finding: Event, authority: Authority
    ) -> None:
        uri = action.splunkd.uri.replace("127.0.0.1", "localhost")
        configuration = {"ca_file": str(authority.path)}
        assert action.run([finding], configuration, server_uri=uri).returncode == 0

    def test_of_another_name_or_authority_is_refused(
        self, action: Action, finding: Event, authority: Authority, tmp_path: Path
    ) -> None:
        stranger = Authority(tmp_path, "stranger")
        uri = action.splunkd.uri.replace("127.0.0.1", "localhost")
        for path, address in (authority.path, action.splunkd.uri), (stranger.path, uri):
            action.logfile.unlink(missing_ok=True)
            outcome = action.run([finding], {"ca_file": str(path)}, server_uri=address)
            assert outcome.returncode == 1
            assert "cannot be verified (" in outcome.line
        assert action.splunkd.requests == []

    def test_elsewhere_there_is_no_way_around(self, action: Action, finding: Event) -> None:
        outcome = action.run([finding], server_uri="http://splunk.example:8089")
        assert outcome.returncode == 1
        assert "http://splunk.example:8089 is no https address" in outcome.line


def test_what_the_command_has_put_there_is_nothing_that_an_alert_says(tmp_path: Path) -> None:
    path = tmp_path / "results.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("technique_id,lofp_url,lofp_technique,__mv_lofp_technique\nT1059,x,y,$y$;$z$\n")
    assert list(read_results(path)) == [{"technique_id": ("T1059",)}]
