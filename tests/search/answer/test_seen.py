"""What is said of names that nothing has, and of alerts in which there was nothing to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.catalogue import lookups
from lofp_enrich.catalogue.merge import merge
from lofp_enrich.search.answer.lacking import unknown_names
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.index import LookupIndex
from tests.search.conftest import EnricherOf, rule

RULES = (
    rule("apple runs", product="windows"),
    rule("birch renames files", product="linux", source="elastic"),
)


def blank(enricher_of: EnricherOf, *alerts: dict[str, Any]) -> bool:
    enricher = enricher_of(RULES)
    for alert in alerts:
        enricher.outputs(alert)
    return enricher.seen.is_blank


class TestBlank:
    @pytest.mark.parametrize(
        "alert",
        [
            {"technique_id": "T9999"},
            {"search_name": "Nobody's Rule"},
            {"title": "Nobody's Title"},
            {"process_name": "cmd.exe"},
            {"CommandLine": "x /y"},
            {"ParentImage": "C:\\x.exe"},
            {"TargetFilename": "C:\\x.txt"},
            {"registry_path": "HKLM\\Software\\x"},
            {"eventName": "DeleteTrail"},
            {"_raw": "what it was"},
        ],
        ids=lambda alert: next(iter(alert)),
    )
    def test_one_that_says_something_is_enough(
        self, enricher_of: EnricherOf, alert: dict[str, Any]
    ) -> None:
        assert not blank(enricher_of, alert)
        assert not blank(enricher_of, alert, {})
        assert not blank(enricher_of, {"x": "y"}, alert)

    def test_who_and_where_say_not_what(self, enricher_of: EnricherOf) -> None:
        assert blank(enricher_of, {"user": "ada", "src_ip": "192.0.2.1", "severity": "high"})
        assert blank(enricher_of, {}, {"_raw": ""})

    def test_no_alert_at_all_is_no_fault(self, enricher_of: EnricherOf) -> None:
        assert not blank(enricher_of)


class TestFields:
    @pytest.mark.parametrize(
        ("option", "alert"),
        [
            ("technique_field", {"a": "T1059"}),
            ("technique_field", {"a": ["", "nothing"]}),
            ("rule_field", {"a": 0}),
            ("context_fields", {"a": {"b": 1}}),
        ],
    )
    def test_of_a_value(self, enricher_of: EnricherOf, option: str, alert: dict[str, Any]) -> None:
        enricher = enricher_of(RULES, **{option: "a,a.x"})
        enricher.outputs({"a": "", "b": "x"})
        assert len(enricher.seen.missed) == 2
        enricher.outputs(alert)
        (missed,) = enricher.seen.missed
        assert missed == (
            f'{option} names "a.x", which no alert had; give the field as the alerts spell it, or '
            f"leave {option} out."
        )

    def test_inside_of_nested_json(self, enricher_of: EnricherOf) -> None:
        enricher = enricher_of(RULES, technique_field="a.b")
        enricher.outputs({"a": [{"c": 1}, {"b": "T1059"}]})
        assert enricher.seen.missed == []

    def test_a_name_of_any_length(self, enricher_of: EnricherOf) -> None:
        enricher = enricher_of(RULES, rule_field="x" * 5000)
        enricher.outputs({"y": "z"})
        (missed,) = enricher.seen.missed
        assert len(missed) < 250


class TestCatalogue:
    @pytest.fixture
    def index(self, tmp_path: Path, attack: Attack) -> LookupIndex:
        lookups.write(merge(RULES, attack), attack, (), tmp_path)
        return LookupIndex.load(tmp_path)

    @pytest.mark.parametrize(
        ("arguments", "sentences"),
        [
            ({}, []),
            ({"source": "sigma,elastic,local,deployed", "product": "linux,windows"}, []),
            ({"source": "Sigma", "product": "WINDOWS"}, []),
            (
                {"source": "sigmaa"},
                [
                    'source names "sigmaa", which nothing in the catalogue has; give sigma, '
                    "elastic, software, local or deployed."
                ],
            ),
            (
                {"product": "macos,linux,windowx"},
                [
                    'product names "macos", which nothing in the catalogue has; give windows or '
                    "linux.",
                    'product names "windowx", which nothing in the catalogue has; give windows or '
                    "linux.",
                ],
            ),
        ],
        ids=str,
    )
    def test_sentences(
        self, index: LookupIndex, arguments: dict[str, str], sentences: list[str]
    ) -> None:
        assert list(unknown_names(index, parse(arguments))) == sentences

    def test_of_many_names_the_nearest_are_offered(self, attack: Attack, tmp_path: Path) -> None:
        names = "aws azure gcp windows linux macos okta github".split()
        rules = [rule(f"cause {name}", product=name) for name in names]
        lookups.write(merge(rules, attack), attack, (), tmp_path)
        (said,) = unknown_names(LookupIndex.load(tmp_path), parse({"product": "guthib"}))
        assert said.partition("give ")[2].startswith("github, ")
        assert said.endswith(" or one of 2 others.")

    def test_where_there_is_none_there_is_none_to_give(
        self, attack: Attack, tmp_path: Path
    ) -> None:
        lookups.write(merge([rule("apple runs")], attack), attack, (), tmp_path)
        (said,) = unknown_names(LookupIndex.load(tmp_path), parse({"product": "okta"}))
        assert said == (
            'product names "okta", which nothing in the catalogue has; leave product out.'
        )

    def test_a_file_that_has_gone_is_one_sentence(self, index: LookupIndex, tmp_path: Path) -> None:
        (tmp_path / "lofp_entries.csv").unlink()
        with pytest.raises(SearchError, match=r"lofp_entries\.csv cannot be read"):
            list(unknown_names(index, parse({"source": "x"})))
