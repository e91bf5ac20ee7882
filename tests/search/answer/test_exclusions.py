"""What rules leave out by name, in the answers of a search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from lofp_enrich.catalogue import lookups
from lofp_enrich.catalogue.merge import merge
from lofp_enrich.model import Exclusion, FalsePositive
from lofp_enrich.search.answer.enrich import Enricher, load_enricher
from lofp_enrich.search.answer.evidence import FITS, RESEMBLES
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.attack import Attack
from tests.search.conftest import rule

HOME = "C:\\Program Files\\Gizmo\\"
GIZMO = Exclusion("gizmo", json.dumps({"Image|endswith": "\\gizmo.exe"}))
ALERT: Mapping[str, str] = {
    **{"technique_id": "T1059.001", "Image": HOME + "gizmo.exe"},
    "CommandLine": "gizmo x",
}
SAID = "Gizmo: detection rules leave it out where the process ends with \\gizmo.exe."


@pytest.fixture
def enricher(attack: Attack, tmp_path: Path) -> Enricher:
    one = rule("apple", title="One Rule", exclusions=(GIZMO,))
    two = rule("birch", title="Other Rule", falsepositives=(FalsePositive("gizmo birch"),))
    lookups.write(merge([one, two], attack), attack, (), tmp_path)
    made, troubles = load_enricher(
        tmp_path, parse({"output": "full", "max": "9", "min_score": "0"}), date(2026, 12, 1)
    )
    assert troubles == []
    return made


def said(enricher: Enricher, **more: str) -> dict[str, str]:
    answer = enricher.answer({**ALERT, **more})
    assert answer.total >= len(answer.explanations)
    return {each.statement: each.evidence for each in answer.explanations}


def test_it_explains_the_alerts_of_other_rules(enricher: Enricher) -> None:
    assert said(enricher, search_name="Other Rule")[SAID] == FITS
    assert said(enricher)[SAID] == FITS
    (found,) = [e for e in enricher.answer(ALERT).explanations if e.statement == SAID]
    assert (found.rule, found.match) == ("One Rule (sigma)", "technique")


def test_never_those_of_its_own(enricher: Enricher) -> None:
    assert SAID not in said(enricher, search_name="One Rule")
    assert "apple" in said(enricher, search_name="One Rule")


def test_only_where_it_is_met(enricher: Enricher) -> None:
    assert said(enricher, Image="C:\\Users\\a\\gizmo.exe")[SAID] == RESEMBLES
    for image in ("C:\\Windows\\explorer.exe", "", "gizmo-x.exe"):
        assert SAID not in said(enricher, Image=image)


def test_it_is_no_statement_of_its_rule(enricher: Enricher, tmp_path: Path) -> None:
    rules = (tmp_path / "lofp_rules.csv").read_text(encoding="utf-8")
    evidence = (tmp_path / "lofp_evidence.csv").read_text(encoding="utf-8").splitlines()
    assert len(evidence) == 2
    assert evidence[1].partition(",")[0] not in rules
