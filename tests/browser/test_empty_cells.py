"""Every search that the app ships says the same whether Splunk takes an empty cell for null or for
an empty text: what it does is not documented, and public searches are written for either."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lofp_enrich.deploy import package
from tests.app_check import App
from tests.browser.conftest import DATA
from tests.spl.evaluation import text_of
from tests.spl.search import EMPTY, Results, Row
from tests.spl.site import Splunk
from tests.studio import tokens_in

pytestmark = pytest.mark.once

MakeSplunk = Callable[..., Splunk]
APP = App(package.TEMPLATE)
ALERT = {
    "rule_title": "Sign-in From Two Distant Places",
    "technique": ["T1078.004", "T1562.001"],
    "user": "m.okafor",
    "dest": "web-1",
    "alert_time": "1772440000",
    "alert_on": "web-1",
    "finding_id": "A-1@@notable@@0f",
    "lofp_read": ["user from user: m.okafor"],
}
OWN = {
    "statement": "The VPN's exits",
    "rule": "Sign-in From Two Distant Places",
    "technique": "",
    "field": "",
    "value": "",
    "reason": "CHG-77",
    "owner": "a",
    "expires": "2026-05-31",
    "enabled": "true",
    "saved_at": "1772452800",
}
CHOICES: Mapping[str, list[dict[str, str]]] = {
    "triage": [
        {},
        {"text": "zscaler", "rule": "*sign-in*from", "technique": "t1078"},
        {"alert": json.dumps(ALERT), "own_statement": "x", "own_reason": "y", "explanation": "2"},
        {"alert": json.dumps(ALERT), "own_statement": "x", "own_scope": "technique"},
        {"save:row": json.dumps(OWN), "evidence": "open"},
        {"alert": json.dumps({"rule_title": "Door Opened At Night", "alert_time": "1772440000"})},
        {"alert": json.dumps({"rule_title": "A", "technique": "T1134.004"}), "own_field": "user"},
    ],
    "catalogue": [
        {},
        {"text": "powershell", "entry": "{entry}"},
        {"technique": "T1059", "product": "windows", "from": "sigma"},
        {"tactic": "exfiltration", "kind": "benign"},
    ],
    "coverage": [{}, {"source": "risk"}],
    "health": [{}],
}
"""What is chosen on each page, beside what it begins with."""


def defaults(view: str) -> dict[str, str]:
    """The tokens that a page begins with."""
    studio = APP.views[view]
    found = {"env:user": "analyst", "save:row": "{}", "end:key": "{key}"}
    for name, part in studio.input_tokens.items():
        value = str(part["options"].get("defaultValue", "*"))
        if part.get("type") == "input.timerange" or "," in value:
            found[f"{name}.earliest"], found[f"{name}.latest"] = value.split(",")
        found[name] = value
    tokens = studio.definition.get("defaults", {}).get("tokens", {}).get("default", {})
    return {**found, **{name: str(each["value"]) for name, each in tokens.items()}}


def filled(query: str, tokens: Mapping[str, str]) -> str:
    """A query with its tokens put in as Dashboard Studio does."""
    for name, applied in set(tokens_in(query)):
        value = tokens[name]
        quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        mark = f"${name}|{applied}$" if applied else f"${name}$"
        query = query.replace(mark, quoted if applied == "s" else value)
    return query


def shown(results: Results) -> list[dict[str, Any]]:
    """What a person sees: no cell and an empty one look alike."""
    rows = [{n: text_of(v) for n, v in row.items()} for row in results.rows]
    return [{n: v for n, v in row.items() if v not in (None, "")} for row in rows]


def answers(splunk: Splunk, view: str, chosen: Mapping[str, str]) -> dict[str, list[Row]]:
    """What every search of a page gives."""
    studio = APP.views[view]
    first = splunk.search('| inputlookup lofp_entries | where kind="benign" | head 1').rows[0]
    (own, *_) = splunk.search("| inputlookup lofp_local | `lofp_local_state`").rows
    values = {"{entry}": first["entry_id"], "{key}": own["local_key"]}
    tokens = {n: values.get(v, v) for n, v in {**defaults(view), **chosen}.items()}
    done: dict[str, Results] = {}
    # What is made from another search's results comes behind it.
    for source in sorted(studio.sources.values(), key=lambda each: _depth(studio, each.id)):
        query = filled(source.query, tokens)
        if source.type == "ds.chain":
            done[source.id] = splunk.continue_search(query, done[source.extend])
        else:
            asked = studio.definition["dataSources"][source.id]["options"].get(
                "queryParameters", {}
            )
            window = [filled(asked.get(each, ""), tokens) for each in ("earliest", "latest")]
            done[source.id] = splunk.search(query, *(window if any(window) else []))
    return {name: shown(results) for name, results in done.items()}


def _depth(studio: Any, name: str) -> int:
    extended = studio.sources[name].extend
    return 1 + _depth(studio, extended) if extended else 0


@pytest.mark.parametrize(
    ("view", "chosen"), [(view, each) for view, chosen in CHOICES.items() for each in chosen]
)
def test_pages(search_head: MakeSplunk, view: str, chosen: dict[str, str]) -> None:
    both = []
    for empty in EMPTY:
        splunk = search_head(local=DATA / "lofp_local.csv", empty=empty)
        both.append(answers(splunk, view, chosen))
    null, text = both
    assert null == text
    assert set(null) == set(APP.views[view].sources)
