"""The examples of entries with conditions, each sent through the packaged command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CHECKOUT
from tests.splunkd import Event, FakeSplunkd

FILES = sorted((CHECKOUT / "lofp_enrich" / "starter" / "entries").glob("*.yaml"))
CONDITIONS = ("software", "fits", "contradicts")
AT_MOST = 50
"""Explanations of an event."""

Example = tuple[str, str, dict[str, Any]]
"""State, statement, alert."""


def examples_of(path: Path) -> list[Example]:
    """The alerts of all entries of a file that have conditions."""
    found = []
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
        if any(key in entry for key in CONDITIONS):
            for state, alerts in (entry.get("examples") or {}).items():
                for alert in alerts:
                    # The technique, or nothing would say that the entry is about such alerts.
                    event = {"technique_id": entry["techniques"][0], **alert}
                    found.append((state, entry["statement"], event))
    return found


EXAMPLES = {path.stem: examples_of(path) for path in FILES}


def flattened(value: Any, name: str = "") -> Event:
    """An alert as Splunk has it: `a.b` and `a{}.b`, all of it text."""
    found: dict[str, list[str]] = {}
    if isinstance(value, dict):
        inner = [(f"{name}.{key}" if name else str(key), each) for key, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{name}{{}}" if name else name, each) for each in value]
    else:
        return {name: str(value)}
    for path, each in inner:
        for field, texts in flattened(each, path).items():
            found.setdefault(field, []).extend([texts] if isinstance(texts, str) else texts)
    return {field: texts[0] if len(texts) == 1 else texts for field, texts in found.items()}


def test_an_alert_is_flattened_as_splunk_does_it() -> None:
    alert = {"a": {"b": 1, "c": [{"d": "x"}, {"d": "y"}]}, "e": ["f"], "g.h": True}
    assert flattened(alert) == {"a.b": "1", "a.c{}.d": ["x", "y"], "e{}": "f", "g.h": "True"}


@pytest.mark.parametrize("name", [name for name, examples in EXAMPLES.items() if examples])
def test_each_comes_out_as_it_is_said(splunkd: FakeSplunkd, name: str) -> None:
    """With narrow=false, for an example may have any product's fields and no `_raw`."""
    examples = EXAMPLES[name]
    search = f"| lofpenrich max={AT_MOST} min_score=0 output=full narrow=f"
    result = splunkd.search(search, [flattened(alert) for _, _, alert in examples])
    assert result.messages == []
    wrong = []
    for (state, statement, alert), event in zip(examples, result.events):
        lists = [event.get(f"lofp_{each}", []) for each in ("statement", "evidence", "because")]
        rows = zip(*([each] if isinstance(each, str) else each for each in lists))
        found = {said: (stands, because) for said, stands, because in rows}
        # What contradicts is last, where max may cut it off; nothing else may be missing.
        stands, because = found.get(statement, ("contradicts" if len(found) == AT_MOST else "", ""))
        if stands != state:
            wrong.append(f"{state}, not {stands or 'shown'} ({because}): {statement} {alert}")
    assert wrong == []


def test_entries_with_conditions_show_both_sides() -> None:
    """An alert that speaks for the cause, and one that speaks against it."""
    lacking = []
    for path in FILES:
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            if any(key in entry for key in CONDITIONS):
                states = set(entry.get("examples") or ())
                if "contradicts" not in states or not states & {"fits", "resembles"}:
                    lacking.append(entry["statement"])
    assert lacking == []
