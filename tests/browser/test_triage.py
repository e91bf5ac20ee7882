"""The page Triage, as an analyst sees and uses it."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.browser import Browser
from tests.browser.conftest import DATA, NOW, OpenSite
from tests.browser.splunkweb import Site
from tests.spl.site import load_events
from tests.spl.syntax import every

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

    # A chain begins with a pipe as well, with a command that goes on where another search ended.
    return [each.name for each in every(site.splunk.parse(query))]


def rule_of(row: dict[str, str]) -> str:
    """The rule of a row of the list, without when and whom."""
    return re.split(r" \d\d-\d\d \d\d:\d\d", row["Finding"])[0]


def rules(browser: Browser) -> list[str]:
    return [rule_of(row) for row in browser.rows("alert_table")]


def click_tile(browser: Browser, name: str) -> None:
    browser.do("click", selector=f'[data-id="tile_{name}"] [data-test="SingleValueWrapper"]')


def short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def test_findings_with_what_their_alert_says(site: Site, browser: Browser) -> None:
    browser.open("triage")
    rows = browser.rows("alert_table")
    assert len(rows) == 8
    assert rows[0] == {
        "Evidence": "open",
        "Finding": "LSASS Memory Opened By An Unsigned Process 03-02 10:20 · svc_report,"
        " SRV-FIN-02",
        "In this alert": "the alert does not say the process",
        "Urgency": "critical",
    }
    urgencies = [row["Urgency"] for row in rows]
    assert urgencies == sorted(urgencies, key=["critical", "high", "medium", "low"].index)

    day = site.splunk.search("index=notable | lofpenrich max=1", "-24h@h", "now").rows
    states = [row.get("lofp_evidence", "unexplained") for row in day]
    assert browser.number("tile_all") == str(len(day)) == "29"
    for state in ("unexplained", "open", "resembles", "fits"):
        assert browser.number(f"tile_{state}") == str(states.count(state))
    assert browser.number("tile_contradicted") == str(states.count("contradicts"))

    click_tile(browser, "unexplained")
    assert [(rule_of(row), row["In this alert"]) for row in browser.rows("alert_table")] == [
        ("Model Endpoint Queried With Crafted Prompts", "no harmless cause is known"),
        ("Unusual Volume Of Badge Swipes", "no technique, no known rule"),
    ]


@pytest.mark.parametrize(
    "rule", [POWERSHELL, SIGN_IN, "Interpreter Started By An SSH Session As Root"]
)
def test_a_click_fills_the_page(site: Site, browser: Browser, rule: str) -> None:
    browser.open("triage", {"text": rule})
    assert browser.rows("explained_table")[0]["Explanation"].startswith("Click a finding on the")
    assert browser.rows("context_table")[0]["Value"].startswith("Click a finding above")
    browser.click("alert_table", rule)

    # What the command says of the event itself, not of what the page passes on.
    event = next(event for event in site.splunk.events if event.get("rule_title") == rule)
    answer = site.splunk._splunkd.search("| lofpenrich max=10 output=full expand=true", [event])
    shown = browser.rows("explained_table")
    assert [row["Explanation"] for row in shown] == [
        short(str(event["lofp_statement"]), 130) for event in answer.events
    ]
    for row, each in zip(shown, answer.events):
        check = str(each["lofp_check"])
        assert row["What to check"] == ("" if check == "-" else short(check, 180))
        assert row["Evidence"] == str(each["lofp_evidence"]).replace("contradicts", "contradicted")
        if each["lofp_because"] not in ("-", ""):
            assert row["In this alert"] == short(str(each["lofp_because"]), 100)

    # The first is there in full, and whichever is clicked.
    first, other = answer.events[0], answer.events[-1]
    full = dict(browser.cells("full_table"))
    assert full["Explanation"] == first["lofp_statement"]
    browser.click("explained_table", short(str(other["lofp_statement"]), 130))
    full = dict(browser.cells("full_table"))
    assert full["Explanation"] == other["lofp_statement"]
    assert full.get("What to check", "-") == other["lofp_check"]
    assert full["Why here"] == other["lofp_why"]
    assert full["Nearness"] == other["lofp_score"]
    assert full["Said by"].startswith(str(other["lofp_rule"]))
    assert browser.value("input_own_statement") == other["lofp_statement"]

    context = {row["Field"]: row["Value"] for row in browser.rows("context_table")}
    assert context["rule_title"] == rule
    for field in ("user", "dest", "process", "rule_description", "vendor_product"):
        if field in event:
            assert context[field] == event[field]
    # Words for Enterprise Security's numbers.
    assert context["status"] == "new"


# What the alert itself says for and against its explanations.

MASQUERADE = (
    "named like Dropbox, but process is C:\\Users\\Public\\Dropbox.exe, which is not its folder"
)
STATES = {
    "contradicted": ("Data Sent To A Storage Service", MASQUERADE),
    "unexplained": ("Door Opened At Night", "no harmless cause is known"),
    "open": ("BITS Job Of A Service", "the alert does not say the signer"),
    "resembles": ("BITS Job From The Command Line", "command line is bitsadmin /transfer d"),
    "fits": (
        "Accounts Listed By net.exe",
        "parent is C:\\Program Files\\Tanium\\Tanium Client\\TaniumClient.exe",
    ),
}
COLORS = {
    "contradicted": ("rgb(255, 255, 255)", "rgb(216, 55, 40)"),
    "unexplained": ("rgb(188, 87, 17)", ""),
    "open": ("rgb(106, 118, 130)", ""),
    "resembles": ("rgb(45, 118, 198)", ""),
    "fits": ("rgb(29, 133, 78)", ""),
}


@pytest.fixture
def evidence(open_site: OpenSite) -> Site:
    """A finding of every state of evidence."""
    return open_site(events=load_events(DATA / "evidence.jsonl"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contradicted_comes_first_then_urgency(
    evidence: Site, browser: Browser, theme: str
) -> None:
    browser.open("triage", theme=theme)
    rows = browser.rows("alert_table")
    # The masquerade is of low urgency, and of two that are medium the open one is the less known.
    assert [row["Evidence"] for row in rows] == [
        *("contradicted", "unexplained", "open", "resembles", "fits")
    ]
    for number, row in enumerate(rows):
        rule, phrase = STATES[row["Evidence"]]
        assert rule_of(row) == rule
        assert row["In this alert"].startswith(phrase[:90])
        color, background = browser.color("alert_table", number, "Evidence")
        wanted, ground = COLORS[row["Evidence"]]
        assert color == wanted
        assert not ground or background == ground


@pytest.mark.parametrize("state", STATES)
def test_what_the_alert_says_of_a_finding(evidence: Site, browser: Browser, state: str) -> None:
    rule, phrase = STATES[state]
    browser.open("triage")
    browser.click("alert_table", rule)
    ((word, says),) = browser.cells("headline_table")
    assert word == state
    assert f"in {rule} on " in says
    if state == "unexplained":
        assert says.startswith("No harmless cause is known")
        assert browser.rows("explained_table")[0]["Explanation"].startswith("None known for")
        return
    assert says.startswith(phrase)
    first = browser.rows("explained_table")[0]
    assert first["Evidence"] == state
    assert first["In this alert"].startswith(phrase)
    full = dict(browser.cells("full_table"))
    assert (full["Evidence"], full["In this alert"][: len(phrase)]) == (state, phrase)
    if state in ("fits", "resembles"):
        assert "Nothing in the alert contradicts it." in says
    # An entry about the product that is posed as is contradicted, too: all such come first.
    states = browser.column("explained_table", "Evidence")
    assert states == sorted(states, key=lambda each: each != "contradicted")


def test_what_would_speak_against_it_is_said(evidence: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.click("alert_table", STATES["open"][0])
    full = dict(browser.cells("full_table"))
    assert full["What would speak against it"].startswith("A job that another program made")


def test_tiles_filter_by_evidence(evidence: Site, browser: Browser) -> None:
    browser.open("triage")
    for state, (rule, _) in STATES.items():
        click_tile(browser, state)
        assert [rule_of(row) for row in browser.rows("alert_table")] == [rule]
        # The numbers are of all, so that one leads to the next.
        assert [browser.number(f"tile_{each}") for each in STATES] == ["1"] * 5
        assert state.capitalize() in str(browser.look("() => document.body.innerText"))
    click_tile(browser, "all")
    assert len(browser.rows("alert_table")) == 5
    browser.choose("input_evidence", "Fits")
    assert browser.column("alert_table", "Evidence") == ["fits"]
    browser.open("triage", {"evidence": "contradicted"})
    assert browser.column("alert_table", "Evidence") == ["contradicted"]


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_three_explanations_without_a_scroll(
    open_site: OpenSite, browser: Browser, theme: str, width: int
) -> None:
    """The longest that the page shows of each, in a window that Splunk's own bars leave."""
    event = {
        **load_events(DATA / "evidence.jsonl")[2],
        "parent_process_path": "C:\\Program Files\\Tanium\\Tanium Client\\TaniumClient.exe",
        # Accounts of a domain have three explanations, those of a machine fewer.
        "process": "C:\\Windows\\System32\\net.exe group /domain",
    }
    open_site(events=[event, *load_events(DATA / "events.jsonl")])
    browser.open("triage", theme=theme, width=width)
    for rule in (event["rule_title"], POWERSHELL, SIGN_IN):
        browser.fill("input_rule", rule)
        browser.click("alert_table", rule)
        third, panel = browser.bottom("explained_table", 2)
        assert third <= panel, rule
        assert panel <= 900 - 150
        assert browser.bottom("headline_table", 0)[0] <= browser.bottom("headline_table", 0)[1]
        row, panel = browser.bottom("lookup_table", 3)
        assert row <= panel
        assert panel <= 1080 - 150
        assert browser.cut() == []


def look_up(browser: Browser, line: str) -> tuple[str, int, int]:
    """(search, from, to) of the tab that a click on a look-up opens."""
    before = len(browser.opened())
    browser.click("lookup_table", line)
    (link,) = browser.opened()[before:]
    address = urlsplit(link)
    assert (address.scheme, address.netloc, address.fragment) == ("", "", "")
    assert address.path == "/app/lofp_enrich/search"
    query = parse_qs(address.query, strict_parsing=True)
    assert set(query) == {"q", "earliest", "latest"}
    return query["q"][0], int(query["earliest"][0]), int(query["latest"][0])


def test_a_missing_signer_is_looked_up(evidence: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.click("alert_table", STATES["open"][0])
    line, missing = browser.cells("lookup_table")[0]
    assert missing == "the alert does not say the signer"
    assert line == "who signed updater.exe on WS-0102 ↗"
    search, earliest, latest = look_up(browser, line)
    where = '"WS-0102" OR ' + " OR ".join(
        f'{name}="WS-0102"' for name in ("host", "dest", "user", "source")
    )
    assert search == (
        f'| `lofp_look_signer` | search ({where}) "updater.exe"'
        " | head 100 | `lofp_look_signer_shown`"
    )
    at = datetime(2026, 3, 2, 11, 48, tzinfo=timezone.utc).timestamp()
    assert (earliest, latest) == (at - 600, at + 600)

    # It finds what says it, in the logs of a product.
    image = {"ImageLoaded": "C:\\Program Files\\Acme\\updater.exe", "Signature": "Acme"}
    loaded = {"_time": "1772452075", "index": "sysmon", "EventCode": "7", "Computer": "WS-0102"}
    evidence.splunk.events += [
        {**loaded, **image},
        {**loaded, **image, "Computer": "WS-0103"},
        {**loaded, **image, "_time": "1772440000"},
    ]
    (row,) = evidence.splunk.search(search, str(earliest), str(latest)).rows
    assert (row["Host"], row["Signed_by"]) == ("WS-0102", "Acme")


@pytest.mark.parametrize(
    ("alert", "missing", "line", "search", "seconds"),
    [
        (
            {
                "process_name": "Acme.exe",
                "process": "Acme.exe",
                "dest": "PC-1",
                "signer": "Acme Software GmbH",
            },
            "the alert does not say where Acme.exe lies",
            "processes around Acme.exe on PC-1 ↗",
            '| `lofp_look_process` | search ("PC-1" OR {fields}) "Acme.exe" | head 100',
            (600, 600),
        ),
        (
            {"process": "copy \\\\files\\drivers\\x", "process_name": "x.exe", "dest": "PC-1"},
            "the alert does not say the user",
            "sign-ins on PC-1 ↗",
            '| `lofp_look_login` | search ("PC-1" OR {fields}) "*" | head 100',
            (28800, 600),
        ),
        (
            {"user": "CORP\\print-a", "dest": "PC-1", "process_name": "spoolsv.exe"},
            "the alert does not say the service",
            "changes on PC-1 ↗",
            '| `lofp_look_change` | search ("PC-1" OR {fields}) "*" | head 100',
            (600, 600),
        ),
    ],
    ids=["process", "login", "change"],
)
def test_what_else_is_missing_is_looked_up(
    open_site: OpenSite,
    browser: Browser,
    alert: dict[str, Any],
    missing: str,
    line: str,
    search: str,
    seconds: tuple[int, int],
) -> None:
    base = {"_time": "1772452000", "index": "notable", "rule_title": "A", "technique": "T1197"}
    # Words of all three entries, so that each is among those that are shown.
    words = "The deployment team copies driver packages with BITS, the print server as a service"
    open_site(events=[{**base, "rule_description": words, **alert}])
    browser.open("triage")
    browser.click("alert_table", "A")
    assert [line, missing] in browser.cells("lookup_table")
    found, earliest, latest = look_up(browser, line)
    fields = " OR ".join(f'{name}="PC-1"' for name in ("host", "dest", "user", "source"))
    assert found.startswith(search.format(fields=fields))
    assert (1772452000 - earliest, latest - 1772452000) == seconds


def test_links_lead_back_to_the_finding_and_to_its_event(evidence: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.click("alert_table", STATES["fits"][0])
    search, earliest, latest = look_up(browser, "the event as it was indexed ↗")
    (row,) = evidence.splunk.search(search, str(earliest), str(latest)).rows
    assert row["rule_title"] == STATES["fits"][0]
    around, earliest, latest = look_up(browser, "all that was logged on SRV-0103 ↗")
    assert latest - earliest == 1200
    assert len(evidence.splunk.search(around, str(earliest), str(latest)).rows) == 1
    browser.click("context_table", "Incident Review ↗")
    assert browser.opened()[-1] == (
        "/app/SplunkEnterpriseSecuritySuite/incident_review?earliest=0&latest=now"
        f"&search=event_id%3D{row['event_id']}"
    )


def test_no_finding_no_dead_link(evidence: Site, browser: Browser) -> None:
    browser.open("triage")
    ((line, hint),) = browser.cells("lookup_table")
    assert hint.startswith("Choose a finding")
    browser.click("lookup_table", line)
    (link,) = browser.opened()
    query = parse_qs(urlsplit(link).query)
    assert query["earliest"] == ["-24h@h"]
    assert len(evidence.splunk.search(query["q"][0], "-24h@h", "now").rows) == 5
    browser.click("context_table", "Click a finding above: what it says appears here.")
    assert len(browser.opened()) == 1


def test_an_alert_of_other_names_says_the_same_when_chosen(
    open_site: OpenSite, browser: Browser
) -> None:
    """The evidence of the list is that of the chosen finding, whatever its fields are called."""
    event: dict[str, Any] = {
        "_time": "1772452000",
        "index": "notable",
        "rule.name": "Suspicious Upload",
        "threat.technique.id": "T1567.002",
        "host.name": "pc-7",
        "user.name": "eva",
        "process.executable": "C:\\Users\\Public\\Dropbox.exe",
        "process.command_line": "Dropbox.exe -q",
        "process.code_signature.subject_name": "Nobody",
        "process.parent.executable": "C:\\Windows\\explorer.exe",
    }
    open_site(events=[event])
    browser.open("triage")
    (row,) = browser.rows("alert_table")
    browser.click("alert_table", "Suspicious Upload")
    ((word, says),) = browser.cells("headline_table")
    assert row["Evidence"] == word == "contradicted"
    assert says.startswith(row["In this alert"][:60])
    assert "processes around Dropbox.exe on pc-7 ↗" in [r[0] for r in browser.cells("lookup_table")]


@pytest.mark.parametrize("texts", [HOSTILE[:5], HOSTILE[5:]], ids=["some", "others"])
def test_no_value_of_an_alert_gets_out(
    open_site: OpenSite, browser: Browser, texts: list[str]
) -> None:
    """Whatever an alert says in each of its fields, searches and addresses stay what they are."""
    names = (
        *("search_name", "rule_title", "source", "dest", "user", "process_name", "process_path"),
        *("parent_process_path", "process", "signer", "urgency", "vendor_product", "status"),
        *("event_id", "file_path", "service_name", "url", "rule_description", "risk_object"),
    )
    event = {"_time": "1772452000", "index": "notable", "technique": "T1197"}
    plain = {**event, **{name: f"plain {name}" for name in names}}
    site = open_site(events=[plain, *({**event, **dict.fromkeys(names, text)} for text in texts)])
    browser.open("triage", {"technique": "T1197"})

    def seen(row: int) -> tuple[set[tuple[str, ...]], list[str]]:
        site.searches.clear()
        cell = '[data-id="alert_table"] [data-test="cell"]'
        browser.do("click", selector=cell, index=4 * row + 2)
        before = len(browser.opened())
        line = '[data-id="lookup_table"] [data-test="body"] [data-test="row"]'
        browser.do("follow", selector=f'{line} [data-test="cell"]:first-child')
        links = browser.opened()[before:]
        assert len(links) == len(browser.cells("lookup_table"))
        found = []
        for link in links:
            assert link.startswith("/app/lofp_enrich/search?q=%7C%20%60lofp_look_")
            query = parse_qs(urlsplit(link).query, strict_parsing=True)
            assert set(query) == {"q", "earliest", "latest"}
            found.append(query["q"][0])
        browser.do("click", selector='[data-id="context_table"] [data-test="cell"]')
        assert len(browser.opened()) == before + len(found)
        return {tuple(commands(site, query)) for query in site.searches}, found

    rows = rules(browser)
    assert len(rows) == 1 + len(texts)
    harmless = rows.index("plain rule_title")
    first = seen(harmless)
    known = [commands(site, search) for search in first[1]]
    for number in range(len(rows)):
        other = seen(number) if number != harmless else first
        assert first[0] == other[0]
        assert other[1]
        assert all(commands(site, search) in known for search in other[1])
        for search in other[1]:
            stages = re.sub(r'"(?:\\.|[^"\\])*"', '""', search).split("|")
            assert [each.split()[0] for each in stages[1:]][1:3] == ["search", "head"]
            assert len(stages) == 5
            assert stages[3].strip() == "head 100"
        assert browser.look("() => document.querySelectorAll('img[src=x], td b').length") == 0
    assert site.splunk.writes == []


def test_techniques_lead_to_attack(site: Site, browser: Browser) -> None:
    browser.open("triage", {"rule": "Anti-malware Exclusion Added"})
    browser.click("alert_table", "Anti-malware Exclusion Added")
    assert browser.rows("attack_table") == [
        {
            "Technique": "T1685 ↗",
            "Name": "Disable or Modify Tools (was T1562.001)",
            "Tactics": "defense impairment",
        }
    ]
    browser.click("attack_table", "T1685 ↗")
    assert browser.opened() == ["https://attack.mitre.org/techniques/T1685/"]


def test_the_rule_that_says_it_is_a_link_away(site: Site, browser: Browser) -> None:
    browser.open("triage", {"text": POWERSHELL})
    browser.click("alert_table", POWERSHELL)
    # Before it stands known software, which fits.
    stated = [row["Explanation"] for row in browser.rows("explained_table")]
    statement = next(each for each in stated if "from its CCM folder" in each)
    browser.click("explained_table", statement)
    full = dict(browser.cells("full_table"))
    assert full["Said by"] == f"{POWERSHELL} (sigma, A. Tester) · DRL-1.1"
    browser.click("full_table", full["Said by"])
    assert browser.opened() == []
    browser.click("full_table", "Source ↗")
    (link,) = browser.opened()
    assert link.startswith("https://github.com/SigmaHQ/sigma/blob/3f1c3f1c")
    assert link.endswith("/rules/management_agent.yml")
    assert browser.value("input_own_statement").strip() == statement


def test_filters(site: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.fill("input_rule", "sign-in FROM")
    assert set(rules(browser)) == {SIGN_IN}
    assert browser.number("tile_all") == "3"
    browser.fill("input_rule", "")
    assert browser.value("input_rule") == "*"
    browser.fill("input_technique", "t1059")
    assert set(rules(browser)) == {POWERSHELL, "Interpreter Started By An SSH Session As Root"}
    browser.fill("input_technique", "T1685")
    # The IDs that ATT&CK 19 gave up for T1685.005 and T1685.
    assert rules(browser) == ["Security Log Cleared", "Anti-malware Exclusion Added"]
    browser.fill("input_technique", "*")
    browser.fill("input_text", "zscaler")
    assert set(rules(browser)) == {SIGN_IN}
    browser.fill("input_text", "no such thing")
    (row,) = browser.rows("alert_table")
    assert row["Finding"] == "No findings here"
    assert row["In this alert"].startswith("Take a longer time range")
    assert browser.number("tile_all") == browser.number("tile_open") == "0"


def test_risk_events(site: Site, browser: Browser) -> None:
    browser.open("triage")
    browser.choose("input_source", "Risk events")
    assert rules(browser) == [
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
    assert set(rules(browser)) == {POWERSHELL}
    full = dict(browser.cells("full_table"))
    assert full["Why here"] == "stated by this rule"
    assert full["Said by"].startswith(f"{POWERSHELL} (sigma, A. Tester)")
    assert browser.column("attack_table", "Name") == ["PowerShell"]
    assert {"Field": "technique", "Value": "T1059.001"} in browser.rows("context_table")

    browser.open("triage", {"technique": "T1003.001"})
    assert dict(browser.cells("full_table"))["Why here"].startswith("same technique")
    browser.open("triage", {"rule": "A Rule That Nobody Knows"})
    assert browser.rows("explained_table")[0]["Explanation"].startswith(
        "This finding names no ATT&CK"
    )


def test_a_chosen_alert_is_in_the_link(site: Site, browser: Browser) -> None:
    browser.open("triage", {"text": SIGN_IN})
    browser.click("alert_table", SIGN_IN)
    before = browser.rows("explained_table")
    browser.do("reload")
    assert browser.rows("explained_table") == before


def test_empty_states(open_site: OpenSite, browser: Browser) -> None:
    open_site(events=[])
    browser.open("triage")
    (row,) = browser.rows("alert_table")
    assert row["In this alert"].startswith("Take a longer time range")
    assert browser.number("tile_all") == "0"
    assert browser.cells("headline_table")[0][1].startswith("Choose a finding:")
    assert browser.rows("attack_table") == [
        {"Technique": "", "Name": "No technique: click a finding", "Tactics": ""}
    ]
    (row,) = browser.rows("own_list_table")
    assert row["Explanation"].startswith("No own explanations yet: click a finding")
    (row,) = browser.rows("own_check_table")
    assert row["Save"] == "Not yet"
    assert row["Explanation"].startswith("Choose a finding above")


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
    browser.open("triage", dict.fromkeys((*INPUTS, "alert", "evidence", "explanation"), text))
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
    browser.open("triage", {"text": SIGN_IN})
    browser.click("alert_table", SIGN_IN)
    for text in HOSTILE[:3]:
        browser.fill("input_own_statement", text)
        browser.fill("input_own_reason", text)
        (row,) = browser.rows("own_check_table")
        assert (row["Explanation"], row["Reason"]) == (text, text)
    browser.fill("input_text", HOSTILE[0])
    assert browser.number("tile_all") == "0"
    assert site.splunk.writes == []


@pytest.mark.parametrize(
    "source", ["findings` | delete | `lofp_risk", "risk`|x", "alerts(1)", "x y"]
)
def test_a_source_from_a_link_is_a_name_or_nothing(
    site: Site, browser: Browser, source: str
) -> None:
    browser.open("triage", {"source": source})
    assert not any("lofp_findings" in query or "delete" in query for query in site.searches)
    assert all("no macro" in fault or "no name of a macro" in fault for fault in site.faults), (
        site.faults
    )
    assert site.faults
    site.faults.clear()


def choose_explanation(browser: Browser) -> str:
    browser.open("triage", {"text": SIGN_IN})
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
    row = next(row for row in browser.rows("alert_table") if rule_of(row) == SIGN_IN)
    assert row["Evidence"] == "resembles"
    assert row["In this alert"] == short(f"your own: {statement}", 96)
    assert dict(browser.cells("full_table"))["Said by"].startswith("own explanation of analyst")
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
    site.splunk.clock = replace(site.splunk.clock, now=NOW + 3 * 3600)
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
    row = {"statement": "x", "rule": "*", "saved_at": str(NOW), "enabled": "true"}
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
    browser.open("triage", {"text": SIGN_IN})
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
    assert new == {**old, "expires": "2026-03-01", "enabled": "false"}
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
    assert next(iter(row.values())).startswith("Click a finding to see what was understood of it")
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
