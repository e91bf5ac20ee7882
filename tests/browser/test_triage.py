"""The page Triage, as an analyst sees and uses it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.browser import Browser
from tests.browser.conftest import DATA, OpenSite
from tests.browser.spl import split_pipeline
from tests.browser.splunkweb import Site

pytestmark = pytest.mark.browser

POWERSHELL = "PowerShell Script Started By A Management Agent"
SIGN_IN = "Sign-in From Two Distant Places"
HOSTILE = [
    '" | delete',
    '\\" | outputlookup lofp_local append=t | eval x="',
    "x\\",
    "`lofp_risk`",
    "[| inputlookup lofp_local]",
    "$alert$ $env:user$ $$",
    '\') OR 1=1 OR like("a", "%',
    "| rest /services/server/info ] [",
    "<img src=x onerror=alert(1)>",
    "naïve 日本語 'quoted'",
]


def local_rows(site: Site) -> list[dict[str, str]]:
    with (site.splunk.app / "lookups" / "lofp_local.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        return list(csv.DictReader(file))


def commands(site: Site, query: str) -> list[str]:
    """The commands that splunkd would run for a query, those of macros and subsearches too."""

    def of(text: str) -> list[str]:
        found = []
        for name, rest in split_pipeline(text):
            found.append(name)
            if name in ("append", "appendpipe", "foreach") and "[" in rest:
                inner = rest[rest.index("[") + 1 : rest.rindex("]")]
                found += of(inner if name == "append" else f"|{inner}")
        return found

    return of(site.splunk.expand(query))


def test_alerts_with_their_best_explanation(site: Site, browser: Browser) -> None:
    browser.open("triage")
    rows = browser.rows("alert_table")
    assert len(rows) == 8
    assert rows[0] == {
        "Time": "03-02 11:42",
        "Rule": POWERSHELL,
        "Technique": "T1059.001, T1072",
        "User or host": "SYSTEM, WS-0412",
        "Urgency": "medium",
        "Explanation": "Scripts and compliance baselines that Configuration Manager runs from its "
        "CCM folder",
        "Best": "stated by the rule",
        "Nearness": "100",
    }
    assert [row["Time"] for row in rows] == sorted((row["Time"] for row in rows), reverse=True)

    day = site.splunk.search("index=notable | lofpenrich max=1", "-24h@h", "now").rows
    matched = [row for row in day if row["lofp_status"] == "matched"]
    certain = [row for row in matched if row["lofp_match"] in ("rule", "local")]
    assert browser.number("alerts_count") == str(len(day)) == "29"
    assert browser.number("explained_share") == str(round(100 * len(matched) / len(day)))
    assert browser.number("certain_count") == str(len(certain))
    assert browser.number("unexplained_count") == str(len(day) - len(matched))

    browser.turn_to("alert_table", 4)
    last = browser.rows("alert_table")
    assert [row["Rule"] for row in last if row["Best"] == "none known"] == [
        "Unusual Volume Of Badge Swipes",
        "Model Endpoint Queried With Crafted Prompts",
    ]
    assert last[1]["Explanation"] == "No technique and no rule of the catalogue in this alert"


@pytest.mark.parametrize(
    "rule", [POWERSHELL, SIGN_IN, "Interpreter Started By An SSH Session As Root"]
)
def test_a_click_fills_the_page(site: Site, browser: Browser, rule: str) -> None:
    browser.open("triage", {"text": rule})
    assert browser.rows("explained_table")[0]["Explanation"].startswith("Click an alert above")
    assert browser.rows("context_table") == [{"Field": "-", "Value": "No alert chosen yet"}]
    browser.click("alert_table", rule)

    # What the command says of the event itself, not of what the page passes on.
    event = next(event for event in site.splunk.events if event.get("rule_title") == rule)
    answer = site.splunk._splunkd.search("| lofpenrich max=10 output=full expand=true", [event])
    shown = browser.rows("explained_table")
    assert [row["Explanation"] for row in shown] == [
        event["lofp_statement"] for event in answer.events
    ]
    assert [row["#"] for row in shown] == [str(n) for n in range(1, len(shown) + 1)]
    for row, event in zip(shown, answer.events):
        check = event["lofp_check"]
        assert row["What to check"] == ("" if check == "-" else check)
        assert row["Why here"] == event["lofp_why"]
        assert row["Nearness"] == event["lofp_score"]
        assert row["Said by"].startswith(str(event["lofp_rule"]))

    context = {row["Field"]: row["Value"] for row in browser.rows("context_table")}
    assert context["rule_title"] == rule
    for field in ("user", "dest", "process", "rule_description", "vendor_product"):
        if field in event:
            assert context[field] == event[field]


def test_techniques_lead_to_attack(site: Site, browser: Browser) -> None:
    browser.open("triage", {"rule": "Anti-malware Exclusion Added"})
    browser.click("alert_table", "Anti-malware Exclusion Added")
    assert browser.rows("attack_table") == [
        {
            "Technique": "T1685 ↗",
            "Name": "Disable or Modify Tools (was T1562.001)",
            "Tactics": "defense-impairment",
        }
    ]
    browser.click("attack_table", "T1685 ↗")
    assert browser.opened() == ["https://attack.mitre.org/techniques/T1685/"]


def test_the_rule_that_says_it_is_a_link_away(site: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.click("alert_table", POWERSHELL)
    said_by = browser.rows("explained_table")[0]["Said by"]
    assert said_by == f"{POWERSHELL} (sigma, A. Tester) · DRL-1.1 ↗"
    browser.click("explained_table", said_by)
    (link,) = browser.opened()
    assert link.startswith("https://github.com/SigmaHQ/sigma/blob/3f1c3f1c")
    assert link.endswith("/rules/management_agent.yml")
    assert browser.value("input_own_statement").strip() == ""


def test_filters(site: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.fill("input_rule", "sign-in FROM")
    assert set(browser.column("alert_table", "Rule")) == {SIGN_IN}
    assert browser.number("alerts_count") == "3"
    browser.fill("input_rule", "")
    assert browser.value("input_rule") == "*"
    browser.fill("input_technique", "t1059")
    assert set(browser.column("alert_table", "Technique")) == {"T1059.001, T1072", "T1059.006"}
    browser.fill("input_technique", "T1685")
    # The IDs that ATT&CK 19 gave up for T1685.005 and T1685.
    assert browser.column("alert_table", "Technique") == ["T1070.001", "T1562.001"]
    browser.fill("input_technique", "*")
    browser.fill("input_text", "zscaler")
    assert set(browser.column("alert_table", "Rule")) == {SIGN_IN}
    browser.fill("input_text", "no such thing")
    (row,) = browser.rows("alert_table")
    assert row["Explanation"].startswith("No alerts here. Take a longer time range")
    assert browser.number("alerts_count") == "0"
    assert browser.number("explained_share") == "0"


def test_risk_events(site: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.choose("input_source", "Risk events")
    assert browser.column("alert_table", "Rule") == [
        "Password Spraying Against Many Accounts",
        SIGN_IN,
        "Admin Share Used From A Workstation",
    ]
    assert "`lofp_risk`" in site.searches[-1] or any("`lofp_risk`" in q for q in site.searches)
    browser.click("alert_table", SIGN_IN)
    context = {row["Field"]: row["Value"] for row in browser.rows("context_table")}
    assert context["risk_message"].startswith("Impossible travel")


def test_a_link_opens_the_page_filled_in(site: Site, browser: Browser) -> None:
    """As the workflow actions on a technique, on a rule's name and on a finding do."""
    browser.open("triage", {"technique": "T1059.001", "rule": f"ESCU - {POWERSHELL} - Rule"})
    assert set(browser.column("alert_table", "Rule")) == {POWERSHELL}
    shown = browser.rows("explained_table")
    assert shown[0]["Why here"] == "stated by this rule"
    assert shown[0]["Said by"].startswith(f"{POWERSHELL} (sigma, A. Tester)")
    assert browser.column("attack_table", "Name") == ["PowerShell"]
    assert {"Field": "technique", "Value": "T1059.001"} in browser.rows("context_table")

    browser.open("triage", {"technique": "T1003.001"})
    assert "same technique" in browser.column("explained_table", "Why here")
    browser.open("triage", {"rule": "A Rule That Nobody Knows"})
    assert browser.rows("explained_table")[0]["Explanation"].startswith(
        "This alert names no ATT&CK"
    )


def test_a_chosen_alert_is_in_the_link(site: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.click("alert_table", SIGN_IN)
    before = browser.rows("explained_table")
    browser.do("reload")
    assert browser.rows("explained_table") == before


def test_empty_states(open_site: OpenSite, browser: Browser) -> None:
    open_site(events=[])
    browser.open("triage")
    (row,) = browser.rows("alert_table")
    assert row["Explanation"].startswith("No alerts here. Take a longer time range")
    assert browser.number("alerts_count") == "0"
    assert browser.rows("attack_table") == [
        {"Technique": "", "Name": "No technique known", "Tactics": ""}
    ]
    (row,) = browser.rows("own_list_table")
    assert row["Explanation"].startswith("No own explanations yet: click an alert")
    (row,) = browser.rows("own_check_table")
    assert row["Save"] == "Not yet"
    assert row["Explanation"].startswith("Choose an alert above")


def test_a_missing_catalogue_is_said(open_site: OpenSite, browser: Browser) -> None:
    site = open_site()
    (site.splunk.app / "lookups" / "lofp_entries.csv").unlink()
    browser.open("triage", {"technique": "T1059.001"})
    # The lookup command and lofpenrich both tell the user; neither is a fault of the page.
    assert site.faults
    site.faults.clear()


INPUTS = ("rule", "technique", "text", "own_statement", "own_field", "own_value", "own_reason")


def searches_with(site: Site, browser: Browser, text: str) -> set[tuple[str, ...]]:
    """What splunkd runs for a page that is opened with this text in every input."""
    site.searches.clear()
    browser.open("triage", dict.fromkeys((*INPUTS, "alert"), text))
    assert [browser.value(f"input_{name}") for name in INPUTS] == [text] * len(INPUTS)
    return {tuple(commands(site, query)) for query in site.searches}


@pytest.fixture(scope="module")
def plain_searches() -> set[tuple[str, ...]]:
    """What splunkd runs where harmless text stands in every input; filled by the first test."""
    return set()


@pytest.mark.parametrize("text", HOSTILE)
def test_input_stays_text(
    site: Site, browser: Browser, plain_searches: set[tuple[str, ...]], text: str
) -> None:
    """Whatever stands in the inputs, the same commands run, and it arrives as it is."""
    before = local_rows(site)
    if not plain_searches:
        plain_searches |= searches_with(site, browser, "plain")
    assert searches_with(site, browser, text) == plain_searches
    (row,) = browser.rows("own_check_table")
    assert row["Explanation"] == "No rule is known here; choose another scope."
    assert local_rows(site) == before
    assert site.splunk.writes == []


def test_typed_input_stays_text(site: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.click("alert_table", SIGN_IN)
    for text in HOSTILE[:3]:
        browser.fill("input_own_statement", text)
        browser.fill("input_own_reason", text)
        (row,) = browser.rows("own_check_table")
        assert (row["Explanation"], row["Reason"]) == (text, text)
    browser.fill("input_text", HOSTILE[0])
    assert browser.number("alerts_count") == "0"
    assert site.splunk.writes == []


@pytest.mark.parametrize(
    "source", ["findings` | delete | `lofp_risk", "risk`|x", "alerts(1)", "x y"]
)
def test_a_source_from_a_link_is_a_name_or_nothing(
    site: Site, browser: Browser, source: str
) -> None:
    browser.open("triage", {"source": source})
    assert not any("lofp_findings" in query or "delete" in query for query in site.searches)
    assert all("cannot be found" in fault for fault in site.faults), site.faults
    assert site.faults
    site.faults.clear()


def choose_explanation(browser: Browser) -> str:
    browser.open("triage")
    browser.click("alert_table", SIGN_IN)
    statement = browser.rows("explained_table")[0]["Explanation"]
    browser.click("explained_table", statement)
    assert browser.value("input_own_statement") == statement
    return statement


def agree(browser: Browser, panel: str) -> None:
    """Does what Splunk asks for before it runs a search that writes."""
    browser.do(
        "click",
        selector=f'[data-id="{panel}"] [data-test="error-icon"], [data-id="{panel}"] button',
    )
    said = " ".join(str(browser.look("() => document.body.innerText")).split())
    assert "outputlookup" in said
    assert "Do you want to run the search string?" in said
    browser.do("click", selector='[data-test="risky-warning-run-button"]')


def test_own_explanation_from_choice_to_effect(site: Site, browser: Browser) -> None:
    before = local_rows(site)
    statement = choose_explanation(browser)
    (row,) = browser.rows("own_check_table")
    assert row["Save"] == "Not yet"
    assert row["Explanation"] == "Say how you know: the next analyst wants to check it."
    browser.fill("input_own_reason", "Zscaler steering since CHG-77")
    (row,) = browser.rows("own_check_table")
    assert row == {
        "Save": "▶ Save",
        "Explanation": statement,
        "For": f"rule {SIGN_IN}",
        "Reason": "Zscaler steering since CHG-77",
        "Until": "2026-05-31",
    }
    assert site.splunk.writes == []

    browser.click("own_check_table", "▶ Save")
    assert site.splunk.writes == []
    agree(browser, "own_write_table")
    assert browser.rows("own_write_table")[0]["Result"].startswith("Saved: from the next search on")
    new = local_rows(site)
    assert new[:-1] == before
    assert new[-1] == {
        "statement": statement,
        "technique": "",
        "rule": SIGN_IN,
        "field": "",
        "value": "",
        "reason": "Zscaler steering since CHG-77",
        "owner": "analyst",
        "expires": "2026-05-31",
        "enabled": "true",
    }

    # A page that is loaded anew saves nothing anew, and shows what the explanation does.
    browser.do("reload")
    assert len(site.splunk.writes) == 1
    row = next(row for row in browser.rows("alert_table") if row["Rule"] == SIGN_IN)
    assert (row["Best"], row["Explanation"]) == ("own explanation", statement)
    assert browser.rows("explained_table")[0]["Said by"].startswith("own explanation of analyst")
    assert statement in browser.column("own_list_table", "Explanation")
    (row,) = browser.rows("own_check_table")
    assert row["Explanation"] == "This own explanation is there already."
    browser.click("own_check_table", "Not yet")
    assert len(site.splunk.writes) == 1


def test_a_search_that_runs_again_writes_no_row_twice(site: Site, browser: Browser) -> None:
    choose_explanation(browser)
    browser.fill("input_own_reason", "known")
    browser.click("own_check_table", "▶ Save")
    agree(browser, "own_write_table")
    (write,) = [query for query in site.searches if "outputlookup" in query]
    rows = local_rows(site)
    (again,) = site.splunk.search(write).rows
    assert again["Result"].startswith("Nothing was written")
    site.splunk.now += 3 * 3600
    assert site.splunk.search(write).rows[0]["Result"].startswith("Nothing was written")
    assert local_rows(site) == rows


def test_whoever_declines_writes_nothing(site: Site, browser: Browser) -> None:
    before = local_rows(site)
    choose_explanation(browser)
    browser.fill("input_own_reason", "known")
    browser.click("own_check_table", "▶ Save")
    panel = '[data-id="own_write_table"]'
    browser.do("click", selector=f'{panel} [data-test="error-icon"], {panel} button')
    browser.do("click", selector='[data-test="risky-warning-cancel-button"]')
    assert local_rows(site) == before


def test_no_link_can_save_or_end(site: Site, browser: Browser) -> None:
    before = local_rows(site)
    row = {"statement": "x", "rule": "*", "saved_at": str(site.splunk.now), "enabled": "true"}
    tokens = {name: json.dumps(row) for name in ("row", "save:row", "save.row", "key", "end:key")}
    browser.open("triage", tokens)
    assert not any("outputlookup" in query for query in site.searches)
    assert local_rows(site) == before
    assert not browser.shows("own_write_table")
    assert not browser.shows("own_end_table")


@pytest.mark.parametrize(
    ("scope", "field", "value", "wanted"),
    [
        ("this technique, any rule", "", "", {"technique": "T1078.004"}),
        (
            "this rule, where a field has a value",
            "user",
            "",
            {"rule": SIGN_IN, "field": "user", "value": "m.okafor@corp.example"},
        ),
        ("any rule, where a field has a value", "src", "lyon*", {"field": "src", "value": "lyon*"}),
    ],
)
def test_scopes(
    site: Site, browser: Browser, scope: str, field: str, value: str, wanted: dict[str, str]
) -> None:
    choose_explanation(browser)
    browser.fill("input_own_reason", "known")
    browser.choose("input_own_scope", scope)
    browser.choose("input_own_days", "30 days")
    if field:
        assert browser.rows("own_check_table")[0]["Explanation"] == "Name the field."
        browser.fill("input_own_field", field)
    if value:
        browser.fill("input_own_value", value)
    browser.click("own_check_table", "▶ Save")
    agree(browser, "own_write_table")
    row = local_rows(site)[-1]
    kept = ("technique", "rule", "field", "value")
    assert {name: row[name] for name in kept if row[name]} == wanted
    assert row["expires"] == "2026-04-01"


@pytest.mark.parametrize(
    ("statement", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ('say "ünï", | ] [ ` $x$ \\', 'say "ünï", | ] [ ` $x$ \\'),
    ],
)
def test_what_is_saved_is_what_was_typed(
    site: Site, browser: Browser, statement: str, cell: str
) -> None:
    browser.open("triage")
    browser.click("alert_table", SIGN_IN)
    browser.fill("input_own_statement", statement)
    browser.fill("input_own_reason", "known")
    browser.click("own_check_table", "▶ Save")
    agree(browser, "own_write_table")
    assert local_rows(site)[-1]["statement"] == cell
    browser.do("reload")
    assert browser.rows("explained_table")[0]["Explanation"] == statement


def test_end_an_own_explanation(site: Site, browser: Browser) -> None:
    before = local_rows(site)
    browser.open("triage")
    assert [(row["State"], row["Until"], row["End"]) for row in browser.rows("own_list_table")] == [
        ("ends soon", "2026-03-09", "✕ End now"),
        ("in force", "2026-06-30", "✕ End now"),
        ("faulty", "next summer", ""),
        ("expired", "2026-01-31", ""),
    ]
    browser.click("own_list_table", "faulty")
    browser.click("own_list_table", "✕ End now")
    assert site.splunk.writes == []
    agree(browser, "own_end_table")
    assert browser.rows("own_end_table")[0]["Result"].startswith("Ended.")
    after = local_rows(site)
    changed = [(old, new) for old, new in zip(before, after) if old != new]
    assert len(after) == len(before)
    ((old, new),) = changed
    assert old["statement"] == "Ansible runs the hourly baseline on all database hosts."
    assert new == {**old, "expires": "2026-03-01"}
    (end,) = [query for query in site.searches if "outputlookup" in query]
    assert site.splunk.search(end).rows[0]["Result"].startswith("Nothing was changed")
    assert local_rows(site) == after


def test_multivalue_fields_survive_the_click(open_site: OpenSite, browser: Browser) -> None:
    event: dict[str, Any] = {
        "_time": "2026-03-02T11:00:00Z",
        "index": "notable",
        "search_name": 'Threat - A "Quoted" \\ Rule - Rule',
        "technique": ["T1059.001", "t1072"],
        "user": ["a", "b"],
        "process": 'cmd.exe /c "echo \\"hi\\" | more" $x$ `y`',
    }
    open_site(events=[event])
    browser.open("triage")
    browser.click("alert_table", 'A "Quoted" \\ Rule')
    context = {row["Field"]: row["Value"] for row in browser.rows("context_table")}
    assert context["process"] == event["process"]
    assert context["user"] == "a b"
    assert context["technique"] == "T1059.001 T1072"
    assert "T1059.001" in browser.text("attack_table")


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)><b>x</b>",
        '" | delete [| rest x] `lofp_risk` $alert$ $env:user$ \\',
        "javascript:alert(1)//\u202etxt.exe",
        "a: b (from Image)\nhost: trusted (from nowhere)",
        "x" * 3000,
    ],
)
def test_what_was_read_of_an_alert_is_shown_as_text(
    open_site: OpenSite, browser: Browser, text: str
) -> None:
    event: dict[str, Any] = {
        "_time": "2026-03-02T11:00:00Z",
        "index": "notable",
        "search_name": "Threat - A Rule - Rule",
        "mitre_technique_id": "T1059.001",
        "Image": "C:\\Windows\\cmd.exe",
        "CommandLine": f"cmd.exe {text}",
    }
    open_site(events=[event])
    browser.open("triage")
    (row,) = browser.rows("read_table")
    assert next(iter(row.values())).startswith("Click an alert to see what was understood of it")
    browser.click("alert_table", "A Rule")
    lines = browser.column("read_table", "Attribute: value (from field)")
    assert lines[0] == "techniques: T1059.001 (from mitre_technique_id)"
    assert "process: C:\\Windows\\cmd.exe (from Image)" in lines
    (said,) = [line for line in lines if line.startswith("command_line: ")]
    # The command cuts at 200 characters, the page at 120; it is one line, however many came.
    whole = f"command_line from CommandLine: cmd.exe {' '.join(text.split())}"[:120]
    shown = whole.partition(": ")[2]
    assert " ".join(said.split()) == " ".join(f"command_line: {shown} (from CommandLine)".split())
    assert browser.look("() => document.querySelectorAll('img[src=x], td b').length") == 0
    heights = browser.look(
        """() => [...document.querySelectorAll(
            '[data-id="read_table"] [data-test="body"] [data-test="row"]')]
            .map(row => row.getBoundingClientRect().height)"""
    )
    assert max(heights) < 40, "one line for each"
    assert {"Field": "lofp_read"} not in [
        {"Field": r["Field"]} for r in browser.rows("context_table")
    ]


def test_sample_data_is_what_the_tests_think(tmp_path: Path) -> None:
    with (DATA / "lofp_local.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
