"""The page Health: what is installed, what has run out, what went wrong."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.local import load_local
from tests.browser.browser import Browser
from tests.browser.conftest import NOW, OpenSite
from tests.browser.splunkweb import Site

pytestmark = pytest.mark.browser

GREEN, AMBER, RED = "rgb(29, 133, 78)", "rgb(148, 111, 0)", "rgb(216, 55, 40)"


def test_the_installed_catalogue(site: Site, browser: Browser) -> None:
    browser.open("health")
    rows = {row["Source"]: row for row in browser.rows("source_table")}
    assert rows["sigma"]["Commit"] == "3f1c3f1c3f1c"
    assert rows["sigma"]["Age in days"] == "19"
    assert [row["State"] for row in rows.values()] == ["comes with the app", "fresh", "getting old"]
    assert rows["splunk"]["Licence"] == "Apache-2.0"
    assert browser.color("source_table", 1, "State")[0] == GREEN
    assert browser.color("source_table", 2, "State")[0] == AMBER
    assert browser.number("age_value") == "133days"
    entries = site.splunk.search("| inputlookup lofp_entries").rows
    assert browser.number("explanations_count").replace(",", "") == str(len(entries))
    assert browser.number("rules_count") == "7"


def test_own_explanations_are_counted_as_the_command_counts_them(
    site: Site, browser: Browser
) -> None:
    browser.open("health")
    lookups = site.splunk.app / "lookups"
    today = datetime.fromtimestamp(NOW, timezone.utc).date()
    held = load_local(lookups / "lofp_local.csv", today, Attack.load(lookups / "lofp_attack.csv"))
    assert browser.number("own_active") == str(len(held.rows)) == "2"
    assert browser.number("own_expired") == str(held.expired) == "1"
    assert browser.number("own_faulty") == str(len(held.faults)) == "1"
    rows = browser.rows("own_state_table")
    assert [row["State"] for row in rows] == ["faulty", "ends soon", "expired"]
    assert rows[0]["What to do"] == (
        "Mend it in lofp_local.csv: expires is no date such as 2027-01-31"
    )
    assert rows[1]["What to do"] == "Renew it on Triage if it still holds (7 days left)"
    assert browser.color("own_state_table", 0, "State")[0] == RED


def test_errors(site: Site, browser: Browser) -> None:
    browser.open("health")
    assert browser.rows("error_table") == [
        {
            "Last": "03-02 08:15",
            "Level": "WARN",
            "What": "search command lofpenrich",
            "Message": "lofp_local.csv:4: expires: next summer is no date such as 2027-01-31",
            "Times": "1",
        },
        {
            "Last": "03-01 17:02",
            "Level": "ERROR",
            "What": "search command lofpenrich",
            "Message": 'max="0" is not possible: give a whole number from 1 to 50.',
            "Times": "1",
        },
        {
            "Last": "03-01 09:00",
            "Level": "ERROR",
            "What": "alert action lofp_explain",
            "Message": "the finding was not found (404)",
            "Times": "1",
        },
    ]
    assert browser.color("error_table", 1, "Level")[0] == RED


def test_deployed_rules(open_site: OpenSite, browser: Browser) -> None:
    site = open_site()
    header = (site.splunk.app / "lookups" / "lofp_deployed.csv").read_text(encoding="utf-8")
    names = header.strip().split(",")
    rules = [
        {"rule_title": "A", "techniques": "T1059", "statement": "Backups"},
        {"rule_title": "B", "techniques": "", "statement": "Updates"},
        {"rule_title": "C", "techniques": "T1003", "statement": ""},
    ]
    lines = [",".join(rule.get(name, "") for name in names) for rule in rules]
    text = "\n".join([",".join(names), *lines, ""])
    (site.splunk.app / "lookups" / "lofp_deployed.csv").write_text(text, encoding="utf-8")
    browser.open("health")
    (row,) = browser.rows("deployed_table")
    assert row["Rules"] == "3"
    assert row["With a technique"] == "2"
    assert row["With false positives of their own"] == "2"
    assert browser.number("deployed_count") == "3"


def test_empty_states(open_site: OpenSite, browser: Browser) -> None:
    open_site(events=[])
    browser.open("health")
    (row,) = browser.rows("error_table")
    assert row["Message"].startswith("No errors and no warnings in this time")
    (row,) = browser.rows("own_state_table")
    assert row["Explanation"].startswith("No own explanation is faulty, expired or about to expire")
    (row,) = browser.rows("deployed_table")
    assert row["Note"].startswith("None imported yet: enable the saved search")
    assert browser.number("own_active") == "0"
