"""The page Catalogue: search, filters, and the page of an entry."""

from __future__ import annotations

import pytest

from tests.browser.browser import Browser
from tests.browser.conftest import OpenSite
from tests.browser.splunkweb import Site
from tests.spl.search import Row

pytestmark = pytest.mark.browser

CCM = "Scripts and compliance baselines that Configuration Manager runs from its CCM folder"


def entries(site: Site) -> list[Row]:
    return site.splunk.search("| inputlookup lofp_entries").rows


def test_all_explanations(site: Site, browser: Browser) -> None:
    browser.open("catalogue")
    known = entries(site)
    assert browser.number("entries_count").replace(",", "") == str(len(known))
    techniques = {t for row in known for t in row.get("techniques", "").split("|") if t}
    assert browser.number("techniques_count") == str(len(techniques))
    rows = browser.rows("entry_list")
    assert len(rows) == 10
    assert rows[0]["Explanation"] == min(row["statement"] for row in known)
    assert set(browser.column("entry_list", "Kind")) == {"harmless"}
    browser.turn_to("entry_list", 2)
    assert browser.rows("entry_list") != rows


def test_words_in_any_order(site: Site, browser: Browser) -> None:
    browser.open("catalogue")
    browser.fill("input_text", "folder ccm SCRIPTS")
    found = browser.column("entry_list", "Explanation")
    assert CCM in found
    for row in entries(site):
        text = " ".join(row.get(name, "") for name in ("statement", "check", "rule_title")).lower()
        if row["statement"] in found:
            assert all(word in text for word in ("folder", "ccm", "scripts"))
    browser.fill("input_text", "")
    assert browser.value("input_text") == "*"


def test_filters(site: Site, browser: Browser) -> None:
    known = entries(site)
    browser.open("catalogue", {"technique": "t1059"})
    wanted = [row for row in known if "|T1059" in f"|{row.get('techniques', '')}"]
    assert browser.number("entries_count") == str(len(wanted))
    browser.open("catalogue")
    browser.choose("input_source", "sigma")
    wanted = [row for row in known if "sigma" in row["sources"].split("|")]
    assert browser.number("entries_count") == str(len(wanted)) == "8"
    browser.choose("input_kind", "true of much")
    assert browser.column("entry_list", "Explanation") == ["Legitimate administrative activity"]
    browser.choose("input_source", "all")
    browser.choose("input_kind", "all")
    browser.choose("input_product", "macos")
    wanted = [row for row in known if "macos" in row.get("products", "").split("|")]
    assert browser.number("entries_count") == str(len(wanted))
    browser.choose("input_product", "all")
    browser.choose("input_tactic", "exfiltration")
    tactics = {
        row["technique"]: row.get("tactics", "").split("|")
        for row in site.splunk.search("| inputlookup lofp_attack").rows
    }
    wanted = [
        row
        for row in known
        if any("exfiltration" in tactics.get(t, []) for t in row.get("techniques", "").split("|"))
    ]
    assert browser.number("entries_count") == str(len(wanted))


def test_an_entry_with_the_rules_that_state_it(site: Site, browser: Browser) -> None:
    browser.open("catalogue", {"text": "ccm folder baselines"})
    assert browser.rows("entry_table")[0]["Value"].startswith("Click an explanation above")
    browser.click("entry_list", CCM)
    entry = {row["Field"]: row["Value"] for row in browser.rows("entry_table")}
    assert entry["Explanation"] == CCM
    assert entry["Rules that say it"] == "1 rule"
    assert entry["Licence"] == "DRL-1.1"
    assert entry["Author"] == "A. Tester"
    title = "PowerShell Script Started By A Management Agent ↗"
    assert browser.rows("entry_rules_table") == [
        {
            "Rule": title,
            "Description": "A script host below the client of a software distribution product.",
            "Source": "sigma, medium, test",
            "Techniques": "T1059.001, T1072",
            "Author, licence": "A. Tester · DRL-1.1",
        }
    ]
    assert browser.column("entry_attack_table", "Technique") == ["T1059.001 ↗", "T1072 ↗"]
    browser.click("entry_rules_table", title)
    browser.click("entry_attack_table", "T1072 ↗")
    rule, attack = browser.opened()
    assert rule.endswith("/rules/management_agent.yml")
    assert attack == "https://attack.mitre.org/techniques/T1072/"
    # The entry has a link of its own.
    before = browser.rows("entry_table")
    browser.do("reload")
    assert browser.rows("entry_table") == before


def test_an_entry_of_the_starter_set_has_no_rules(site: Site, browser: Browser) -> None:
    row = next(row for row in entries(site) if row["sources"] == "entries" and row.get("check"))
    browser.open("catalogue", {"entry": str(row["entry_id"])})
    entry = {row["Field"]: row["Value"] for row in browser.rows("entry_table")}
    assert entry["What to check"] == " ".join(row["check"].split())
    assert "Link" not in entry
    (rule,) = browser.rows("entry_rules_table")
    assert rule["Rule"].startswith("No rule states this one")
    browser.click("entry_rules_table", rule["Rule"])
    assert browser.opened() == []


def test_a_bar_is_a_filter(site: Site, browser: Browser) -> None:
    browser.open("catalogue")
    everything = browser.number("entries_count")
    browser.do("click", selector='[data-id="products_chart"] .highcharts-point', index=1)
    assert browser.number("entries_count") != everything
    assert len(set(browser.column("entry_list", "Products"))) >= 1
    assert "form.product=" in browser.do("url")


def test_nothing_fits(site: Site, browser: Browser) -> None:
    browser.open("catalogue", {"text": "no such words anywhere"})
    (row,) = browser.rows("entry_list")
    assert row["Explanation"].startswith("Nothing fits. Take words out")
    assert browser.number("entries_count") == "0"
    browser.open(
        "catalogue",
        {"technique": 'T1" | delete', "tactic": "`x`", "product": "[| x]", "kind": "$x$"},
    )
    assert browser.number("entries_count") == "0"


def test_an_empty_catalogue(open_site: OpenSite, browser: Browser) -> None:
    site = open_site()
    for name in ("entries", "rules", "techniques", "meta"):
        path = site.splunk.app / "lookups" / f"lofp_{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").split("\n")[0] + "\n", encoding="utf-8")
    browser.open("catalogue")
    assert browser.number("entries_count") == "0"
    browser.open("health")
    (row,) = browser.rows("source_table")
    assert row["State"].startswith("The catalogue is missing")
    assert browser.number("age_value") == "unknown"
