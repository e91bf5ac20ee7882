"""The page Coverage: which alerts are explained, which are not, and what became of them."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.browser import Browser
from tests.browser.conftest import OpenSite
from tests.browser.splunkweb import Site
from tests.spl.search import Row

pytestmark = pytest.mark.browser

POWERSHELL = "PowerShell Script Started By A Management Agent"


def week(site: Site) -> list[Row]:
    return site.splunk.search("index=notable | lofpenrich max=1", "-7d@d", "now").rows


def test_numbers(site: Site, browser: Browser) -> None:
    browser.open("coverage")
    alerts = week(site)
    explained = [row for row in alerts if row["lofp_status"] == "matched"]
    rules = {row["rule_title"] for row in alerts}
    unexplained = rules - {row["rule_title"] for row in explained}
    assert browser.number("alerts_count") == str(len(alerts))
    assert browser.number("explained_share") == str(round(100 * len(explained) / len(alerts)))
    assert browser.number("rules_count") == str(len(rules))
    assert browser.number("unexplained_count") == str(len(unexplained)) == "2"


def test_rules_against_explanations(site: Site, browser: Browser) -> None:
    browser.open("coverage")
    counts = Counter(row["rule_title"] for row in week(site))
    rows = browser.rows("rule_table")
    assert rows[0]["Rule"] == POWERSHELL
    assert rows[0]["Closed as harmless"] == "7 of 7"
    assert rows[0]["What to do next"] == "tune the rule"
    for row in rows:
        assert row["Alerts"] == str(counts[row["Rule"]])
    browser.turn_to("rule_table", 2)
    badge = next(row for row in browser.rows("rule_table") if "Badge" in row["Rule"])
    assert badge["What to do next"] == "explain it"
    assert badge["Explained %"] == "0"


def test_techniques_against_explanations(site: Site, browser: Browser) -> None:
    browser.open("coverage")
    known = Counter(
        row["technique"] for row in site.splunk.search("| inputlookup lofp_techniques").rows
    )
    rows = browser.rows("technique_table")
    assert [row["Technique"] for row in rows[:2]] == ["T1059.001", "T1072"]
    for row in rows:
        assert row["Explanations"] == str(known[row["Technique"]])


def test_heat_map(site: Site, browser: Browser) -> None:
    browser.open("coverage")
    rows = browser.rows("heat_table")
    assert list(rows[0])[:3] == ["Initial access", "Execution", "Persistence"]
    assert rows[0]["Execution"] == "T1059.001 PowerShell · 7"
    assert rows[0]["Impact"] == "T1490 Inhibit System Recovery · 2"
    # An ID that ATT&CK gave up is counted under the one that took its place.
    assert "T1685 Disable or Modify Tools · 2" in [row["Defense impairment"] for row in rows]
    _, most = browser.color("heat_table", 0, "Execution")
    _, few = browser.color("heat_table", 0, "Impact")
    empty = browser.color("heat_table", len(rows) - 1, "Impact")[1]
    assert most == "rgb(42, 111, 190)"
    assert few == "rgb(207, 227, 250)"
    assert empty not in (most, few)


def test_what_became_of_them(site: Site, browser: Browser) -> None:
    browser.open("coverage")
    text = browser.text("verdict_chart")
    for name in ("harmless", "true positive", "undetermined", "stated by the rule"):
        assert name in text


def test_links_to_triage_and_catalogue(site: Site, browser: Browser) -> None:
    browser.open("coverage", {"source": "findings"})
    browser.click("rule_table", POWERSHELL)
    browser.click("technique_table", "T1059.001")
    triage, catalogue = map(urlsplit, browser.opened())
    assert triage.path == "/app/lofp_enrich/triage"
    assert parse_qs(triage.query) == {"form.source": ["findings"], "form.rule": [POWERSHELL]}
    assert catalogue.path == "/app/lofp_enrich/catalogue"
    assert parse_qs(catalogue.query) == {"form.technique": ["T1059.001"]}
    browser.open("triage", {"rule": POWERSHELL, "source": "findings"})
    found = browser.column("alert_table", "Finding")
    assert found
    assert all(each.startswith(f"{POWERSHELL} ") for each in found)


def test_risk_events(site: Site, browser: Browser) -> None:
    browser.open("coverage")
    browser.choose("input_source", "Risk events")
    assert browser.number("alerts_count") == "4"
    assert "Set token" not in browser.text("verdict_chart")


def test_no_alerts(open_site: OpenSite, browser: Browser) -> None:
    open_site(events=[])
    browser.open("coverage")
    assert browser.number("alerts_count") == "0"
    assert browser.number("explained_share") == "0"
    (row,) = browser.rows("rule_table")
    assert row["What to do next"].startswith("Take a longer time range")
    (row,) = browser.rows("technique_table")
    assert row["Name"] == "No techniques in these alerts."
    assert "No alert of this time names an ATT&CK technique" in browser.text("heat_table")
