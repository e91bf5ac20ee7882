"""The dashboards' searches and macros without a browser, and what runs them here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lofp_enrich.deploy import package
from lofp_enrich.search.alert.fields import CONTEXT_FIELDS, RULE_FIELDS
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.columns import LOCAL
from lofp_enrich.search.knowledge.local import load_local
from tests.app_check import App
from tests.browser.conftest import NOW
from tests.spl.evaluation import Clock, parse
from tests.spl.site import Splunk
from tests.spl.syntax import SplError
from tests.spl.syntax import parse as parse_search

MakeSplunk = Callable[..., Splunk]


@pytest.mark.parametrize(
    ("expression", "row", "value"),
    [
        ('"a" . b', {"b": "c"}, "ac"),
        ('"C:\\\\x \\"y\\""', {}, 'C:\\x "y"'),
        ("1 + 2 * 3", {}, 7),
        ('if(a="1" AND NOT b="2" OR c="3", "yes", "no")', {"a": "1", "b": "2", "c": "3"}, "yes"),
        ("'a.b' > 9", {"a.b": "10"}, True),
        ("missing = 1", {}, None),
        ("coalesce(missing, a)", {"a": ["x", "y"]}, ["x", "y"]),
        ('mvmap(a, if(a="x", 1, null()))', {"a": ["x", "y"]}, "1"),
        ('a="y"', {"a": ["x", "y"]}, True),
        ('replace("T1059.001", "\\.", "/")', {}, "T1059/001"),
        ("round(2.5)", {}, 3),
        ('strftime(0, "%Y-%m-%d")', {}, "1970-01-01"),
        ("json_extract_exact(a, b)", {"a": '{"x.y": "z"}', "b": "x.y"}, "z"),
        ('case(a="2", "two", true(), "other")', {"a": "1"}, "other"),
    ],
)
def test_expressions(expression: str, row: dict[str, object], value: object) -> None:
    assert parse(expression, Clock(NOW))(row) == value


@pytest.mark.parametrize(
    "expression", ["1 +", "nosuch(1)", "a b", '"open', "lower(a) lower(b)", "if(a, b", "a ; b"]
)
def test_bad_expressions(expression: str) -> None:
    with pytest.raises(SplError):
        parse(expression, Clock(NOW))


@pytest.mark.parametrize(
    "query",
    [
        "| nosuchcommand",
        "`nosuchmacro`",
        "| inputlookup nosuchlookup",
        '| makeresults | eval a="',
        "| makeresults | append [| makeresults",
        "| makeresults | stats nosuch(a)",
        "| makeresults | | table a",
    ],
)
def test_searches_that_splunkd_would_refuse(search_head: MakeSplunk, query: str) -> None:
    with pytest.raises(SplError):
        search_head(events=[]).search(query)


def test_a_pipe_in_quotes_is_text() -> None:
    found = parse_search('index=a "x | y" | eval b="[|]" | append [| makeresults | eval c=1]')
    assert [(each.name, each.text) for each in found] == [
        ("search", 'index=a "x | y"'),
        ("eval", 'b="[|]"'),
        ("append", "[| makeresults | eval c=1]"),
    ]


def test_a_backtick_in_quotes_is_text(search_head: MakeSplunk) -> None:
    quoted = '| eval a="`lofp_risk`"'
    assert search_head(events=[]).expand(f"`lofp_risk` {quoted}") == f"index=risk {quoted}"


LOCAL_ROWS = [
    "in force,T1059,,,,r,o,2026-03-02,true",
    "in force,,,,,r,o,,",
    "=in force,,,user,x*,r,o,2026-12-31,TRUE",
    "expired,,,,,r,o,2026-03-01,yes",
    "off,,,,,r,o,2026-12-31,no",
    "faulty date,,,,,r,o,31.12.2026,true",
    "faulty date,,,,,r,o,2026-02-30,true",
    "faulty flag,,,,,r,o,,perhaps",
    "no field,,,,x,r,o,,true",
    "no value,,,user,,r,o,,true",
    ",T1059,,,,r,o,,true",
    ",,,,,,,,",
]


def test_own_explanations_are_judged_as_the_command_judges_them(
    search_head: MakeSplunk, tmp_path: Path
) -> None:
    file = tmp_path / "lofp_local.csv"
    file.write_text("\n".join([",".join(LOCAL), *LOCAL_ROWS, ""]), encoding="utf-8")
    splunk = search_head(events=[], local=file)
    rows = splunk.search("| inputlookup lofp_local | `lofp_local_state`").rows
    states = [row["local_state"] for row in rows]
    held = load_local(
        splunk.app / "lookups" / "lofp_local.csv",
        datetime.fromtimestamp(NOW, timezone.utc).date(),
        Attack.load(splunk.app / "lookups" / "lofp_attack.csv"),
    )
    assert states.count("in force") + states.count("ends soon") == len(held.rows) == 3
    assert states.count("expired") == held.expired == 1
    assert states.count("switched off") == held.disabled == 1
    assert states.count("faulty") == len(held.faults) == 6
    assert len({row["local_key"] for row in rows}) == len(rows)


def test_a_clicked_alert_has_what_the_command_reads(search_head: MakeSplunk) -> None:
    """The fields with plain names; those with a dot come as rule_title and technique."""
    names = [name for name in (*RULE_FIELDS, *CONTEXT_FIELDS) if "." not in name]
    event = {"_time": str(NOW), "index": "notable", **{n: f"a {n}" for n in names if n != "index"}}
    splunk = search_head(events=[event])
    (row,) = splunk.search("index=notable | `lofp_alert_fields` | `lofp_alert_json`").rows
    packed = json.loads(row["alert"])
    # What else the name of a rule may stand in is in rule_title.
    elsewhere = {"rule_name", "savedsearch_name", "RuleTitle", "DetectName", "alert_name", "title"}
    assert set(names) - set(packed) <= elsewhere
    assert packed["rule_title"] == "a rule_title"


@pytest.mark.parametrize(
    ("event", "rule", "techniques"),
    [
        (
            {"search_name": "ESCU - A - Rule", "annotations.mitre_attack": ["T1059", "T1072"]},
            "A",
            ["T1059", "T1072"],
        ),
        ({"search_name": "Threat - A - B - Combined - Rule"}, "A - B", None),
        (
            {"title": "x", "RuleName": "technique_id=T1053.005,technique_name=x"},
            "x",
            "T1053.005",
        ),
        ({"alert_name": "y", "tags": ["attack.execution", "attack.t1609"]}, "y", "T1609"),
        ({"signature": "z", "mitre_technique_id": "t1059_001"}, "z", "T1059.001"),
        ({"source": "s", "annotations": '{"mitre_attack":["T1078.004"]}'}, "s", "T1078.004"),
        ({"rule_title": "r", "technique": "TA0002"}, "r", None),
    ],
)
def test_alerts_of_any_product(
    search_head: MakeSplunk, event: dict[str, object], rule: str, techniques: object
) -> None:
    splunk = search_head(events=[{"_time": str(NOW), "index": "alerts", **event}])
    (row,) = splunk.search("index=alerts | `lofp_alert_fields`").rows
    assert row["alert_rule"] == rule
    assert row.get("alert_technique") == techniques


def test_the_text_filter_finds_what_json_doubles(search_head: MakeSplunk) -> None:
    event = {"_time": str(NOW), "index": "notable", "process": 'C:\\Windows\\a_1.exe "x y"'}
    splunk = search_head(events=[{**event, "technique": "T1059"}, {**event, "process": "b"}])
    alerts = splunk.search(
        "index=notable | lofpenrich max=1 output=full | `lofp_alert_fields` | `lofp_alert_json` "
        '| eval phrase="p", alert_names="a rule of ours"'
    )
    shown = App(package.TEMPLATE).views["triage"].sources["shown"].query

    def found(text: str, rule: str = "*") -> int:
        query = shown
        for name, value in {"technique": "*", "rule": rule, "text": text}.items():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            query = query.replace(f"${name}|s$", f'"{quoted}"')
        return len(splunk.continue_search(query, alerts).rows)

    assert found("*") == 2
    assert (
        found("C:\\Windows") == found("windows\\a_1.EXE") == found('"x y"') == found("a_1*x") == 1
    )
    # Neither a wildcard of like() nor one of a regular expression.
    assert found("windows\\a%") == found("a.1") == found("C:\\\\Windows") == 0
    assert found("*", "a rule") == found("*", "*rule*ours") == 2
    assert found("*", "no_such\\") == 0


@pytest.mark.parametrize("hours", [-12, 0, 5.5, 14])
def test_an_own_explanation_ends_in_every_time_zone(
    search_head: MakeSplunk, tmp_path: Path, hours: float
) -> None:
    """strftime is the user's time zone, and the command goes by the search head's."""
    file = tmp_path / "lofp_local.csv"
    file.write_text("\n".join([",".join(LOCAL), *LOCAL_ROWS[:3], ""]), encoding="utf-8")
    splunk = search_head(events=[], local=file, zone=timezone(timedelta(hours=hours)))
    rows = splunk.search("| inputlookup lofp_local | `lofp_local_state`").rows
    end = App(package.TEMPLATE).views["triage"].sources["own_end"].query
    splunk.search(end.replace("$end:key|s$", f'"{rows[1]["local_key"]}"'))
    lookups = splunk.app / "lookups"
    for days in (-1, 0, 1):
        today = (datetime.fromtimestamp(NOW, timezone.utc) + timedelta(days=days)).date()
        held = load_local(
            lookups / "lofp_local.csv", today, Attack.load(lookups / "lofp_attack.csv")
        )
        assert held.disabled == 1
    (state,) = [
        row["local_state"]
        for row in splunk.search("| inputlookup lofp_local | `lofp_local_state`").rows
        if row["enabled"] == "false"
    ]
    assert state == "ended"


@pytest.mark.parametrize("text", ["x", "C:\\a\\", '"', "\u00e9", "\u65e5"])
def test_an_alert_is_short_enough_for_an_address(search_head: MakeSplunk, text: str) -> None:
    """Browsers and proxies refuse addresses of more than eight or ten thousand characters."""
    names = re.findall(r"str\((\w+)\)", App(package.TEMPLATE).macros["lofp_packed"].definition)
    names = [name for name in names if not name.startswith(("lofp_", "alert_", "finding"))]
    small: dict[str, Any] = {"_time": str(NOW), "index": "notable", "technique": "T1059.001"}
    large = {**small, **{name: text * 3000 for name in names if name not in small}}
    many = {
        **small,
        "user": [f"{text}{number}" for number in range(2000)],
        "technique": [f"T1059.{number:03}" for number in range(500)],
    }
    usual = {**small, "process": f"powershell {text * 20}", "user": "a", "dest": "b"}
    splunk = search_head(events=[large, many, usual])
    rows = splunk.search(
        "index=notable | lofpenrich max=1 output=full | `lofp_alert_fields` | `lofp_alert_json`"
    ).rows
    assert len(rows) == 3
    for row in rows:
        assert len(quote(row["alert"], safe="")) < 7000
        assert "alert_long" not in row
        packed = json.loads(row["alert"])
        assert str(
            packed["technique"][0] if isinstance(packed["technique"], list) else packed["technique"]
        ).startswith("T1059")
        assert packed["alert_time"]
    assert json.loads(rows[2]["alert"])["process"] == usual["process"]
    assert "lofp_read" in json.loads(rows[2]["alert"])


@pytest.mark.parametrize(
    ("dispositions", "closed", "next_"),
    [
        (["1"] * 6, "0 of 6", "look closer"),
        (["2", "3", "4", "2", "2"], "5 of 5", "tune the rule"),
        (["2"] * 5 + ["1"], "5 of 6", "look closer"),
        (["6"] * 6, "", "check the causes"),
    ],
)
def test_what_coverage_says_to_do_next(
    search_head: MakeSplunk, dispositions: list[str], closed: str, next_: str
) -> None:
    """What was an attack is never to be closed or tuned away, however well it is explained."""
    event = {"index": "notable", "rule_title": "A", "technique": "T1059.001", "_time": str(NOW)}
    events = [{**event, "disposition": f"disposition:{each}"} for each in dispositions]
    splunk = search_head(events=events)
    sources = App(package.TEMPLATE).views["coverage"].sources
    alerts = splunk.search(sources["alerts"].query.replace("$source|u$", "alerts"))
    (row,) = splunk.continue_search(sources["rules"].query, alerts).rows
    assert row["Alerts"] == str(len(dispositions))
    assert (row.get("Closed as harmless", ""), row["What to do next"]) == (closed, next_)
