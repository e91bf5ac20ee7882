"""Rules to entries."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.build import namesakes
from lofp_enrich.catalogue.merge import entry_id, fold, merge
from lofp_enrich.catalogue.model import Entry
from lofp_enrich.model import FalsePositive, Location, Rule
from lofp_enrich.search.attack import Attack
from tests.conftest import ATTACK

TABLE = Attack.load(ATTACK)


def rule(*statements: str | FalsePositive, id: str = "1", **fields: object) -> Rule:
    made = Rule(
        source="sigma",
        id=id,
        title=f"Rule {id}",
        location=Location("x.yml", 1),
        techniques=("T1059",),
        falsepositives=tuple(
            each if isinstance(each, FalsePositive) else FalsePositive(each) for each in statements
        ),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def entries(*rules: Rule) -> list[Entry]:
    return list(merge(rules, TABLE).entries)


def only(*rules: Rule) -> Entry:
    (entry,) = entries(*rules)
    return entry


class TestFold:
    @pytest.mark.parametrize(
        "other",
        [
            "the drill of the MAIL team",
            "The  drill\n of the\tmail team",
            "The drill of the mail team.",
            "The drill of the mail team ...!",
            'The "drill" of the mail team',
            "The \u201cdrill\u201d of the `mail` team;",
            "'The drill of the mail team.'",
            "The drill\u00a0of the mail team",
        ],
    )
    def test_spellings_of_one_statement(self, other: str) -> None:
        assert fold(other) == fold("The drill of the mail team") == "the drill of the mail team"
        assert len(entries(rule("The drill of the mail team"), rule(other, id="2"))) == 1

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("drills of valid users", "drills of invalid users"),
            ("http status 200 of the probe", "http status 403 of the probe"),
            ("the probe, each hour", "the probe each hour"),
            ("the probe (each hour)", "the probe each hour"),
            ("files are made by Veeam", "files are deleted by Veeam"),
            ("alse alarms of Veeam", "false alarms of Veeam"),
            ("pr\u00fcfung", "prufung"),
        ],
    )
    def test_nothing_is_merged_by_similarity(self, one: str, other: str) -> None:
        assert len(entries(rule(one), rule(other, id="2"))) == 2

    @given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
    def test_a_folded_text_is_folded(self, text: str) -> None:
        assert fold(fold(text)) == fold(text)
        assert fold(f' "{text}"  ') == fold(f"{text} .") == fold(text)

    @given(st.text(alphabet=st.characters(max_codepoint=127)))
    def test_case_plays_no_part(self, text: str) -> None:
        assert fold(text.upper()) == fold(text.lower())


class TestIds:
    def test_12_digits_of_the_sha_256_of_the_folded_statement(self) -> None:
        expected = hashlib.sha256(b"the drill of the mail team").hexdigest()[:12]
        assert entry_id("the drill of the mail team") == expected
        assert only(rule('The "Drill" of the mail team.')).id == expected

    @given(st.text())
    def test_every_text_has_one(self, text: str) -> None:
        assert re.fullmatch("[0-9a-f]{12}", entry_id(fold(text)))


class TestMerging:
    def test_an_entry_knows_all_its_rules_and_their_current_techniques(self) -> None:
        merged = only(
            rule("Veeam runs", id="b", techniques=("T1089", "T1059")),
            rule("VEEAM RUNS.", id="a", source="elastic", techniques=("T1562.001", "T9999")),
            rule("veeam runs", id="c", source="splunk", techniques=()),
        )
        assert merged.techniques == ("T1059", "T1685", "T9999")
        assert [(each.source, each.id) for each in merged.rules] == [
            ("elastic", "a"),
            ("sigma", "b"),
            ("splunk", "c"),
        ]

    def test_the_usual_spelling_is_shown_and_of_equals_always_the_same(self) -> None:
        rules = [rule(text, id=str(n)) for n, text in enumerate(["VEEAM", "Veeam", "Veeam."])]
        assert only(*rules, rule("Veeam.", id="9")).statement == "Veeam."
        assert only(*rules).statement == only(*reversed(rules)).statement

    def test_a_rule_that_says_it_twice_is_one_rule(self) -> None:
        assert len(only(rule("Veeam", "veeam.")).rules) == 1

    def test_the_same_id_in_two_sources_is_two_rules(self) -> None:
        assert len(only(rule("Veeam"), rule("Veeam", source="elastic")).rules) == 2

    def test_one_id_with_two_titles_is_two_rules(self) -> None:
        fork = rule("Veeam", title="The Fork")
        assert len(only(rule("Veeam"), fork).rules) == 2
        assert [each.title for each in only(rule("Veeam"), fork, fork).rules] == [
            "Rule 1",
            "The Fork",
        ]

    def test_retired_rules_are_cited_last(self) -> None:
        merged = only(
            rule("Veeam", id="a", deprecated=True), rule("Veeam", id="b", source="splunk")
        )
        assert [each.id for each in merged.rules] == ["b", "a"]

    def test_it_is_generated_only_where_nobody_wrote_it(self) -> None:
        written, made = FalsePositive("Veeam runs"), FalsePositive("Veeam runs.", True, True)
        assert only(rule(made)).generated
        assert only(rule(made), rule(made, id="2")).generated
        assert not only(rule(made), rule(written, id="2")).generated

    def test_a_check_is_kept(self) -> None:
        checked = FalsePositive("Veeam runs", check="Look.")
        assert only(rule("Veeam runs", id="a"), rule(checked, id="b")).check == "Look."


class TestPlaceholders:
    def test_they_are_counted_and_become_no_entry(self) -> None:
        rules = [
            rule("Unknown", "Veeam", "Filter as needed."),
            rule("None", "unknown.", id="2"),
            rule("Unlikely", "Veeam", id="3", source="splunk"),
            rule(id="4"),
        ]
        catalogue = merge(rules, TABLE)
        assert [entry.statement for entry in catalogue.entries if entry.kind == "benign"] == [
            "Veeam"
        ]
        assert len(catalogue.entries) == 2
        assert dict(catalogue.statements) == {
            ("sigma", "placeholder"): 3,
            ("sigma", "benign"): 1,
            ("sigma", "advice"): 1,
            ("splunk", "placeholder"): 1,
            ("splunk", "benign"): 1,
        }

    def test_nothing_gives_nothing(self) -> None:
        assert merge([], TABLE).entries == ()


class TestRules:
    def test_those_with_a_statement_or_a_technique_are_known(self) -> None:
        rules = [
            rule("Veeam", id="b", techniques=()),
            rule(id="a"),
            rule(id="a", title="Its Fork"),
            rule("Unknown", id="c"),
            rule("Unknown", id="d", techniques=()),
            rule("Veeam", id="own", source="entries"),
            rule(id="e", source="elastic"),
            rule(id="e", source="elastic"),
        ]
        catalogue = merge(rules, TABLE)
        assert [(each.source, each.id, each.title) for each in catalogue.rules] == [
            ("elastic", "e", "Rule e"),
            ("sigma", "a", "Its Fork"),
            ("sigma", "a", "Rule a"),
            ("sigma", "b", "Rule b"),
            ("sigma", "c", "Rule c"),
        ]
        assert namesakes(catalogue) == [
            'sigma: 1 id is shared by rules of different titles, such as a by "Its Fork" and '
            '"Rule a"; all of them are kept. Give each rule an id of its own.'
        ]
        more = merge(
            [*rules, rule(id="c", title="X"), rule(id="e", source="elastic", title="Y")], TABLE
        )
        assert [sentence[:25] for sentence in namesakes(more)] == [
            "elastic: 1 id is shared b",
            "sigma: 2 ids are shared b",
        ]


class TestOrder:
    def test_the_order_of_rules_plays_no_part(self) -> None:
        rules = [
            rule(f"Veeam {n % 7}", "Printers", id=str(n), source=("sigma", "elastic")[n % 2])
            for n in range(40)
        ]
        expected = merge(rules, TABLE)
        for seed in range(5):
            random.Random(seed).shuffle(rules)
            assert merge(rules, TABLE) == expected

    def test_entries_are_sorted_by_id(self) -> None:
        ids = [entry.id for entry in entries(*[rule(f"Veeam {n}", id=str(n)) for n in range(20)])]
        assert ids == sorted(ids)

    @given(st.lists(st.text(max_size=20), max_size=20))
    def test_whatever_the_statements_nothing_is_lost(self, texts: list[str]) -> None:
        rules = [rule(text, id=str(n)) for n, text in enumerate(texts)]
        catalogue = merge(rules, TABLE)
        placeholders = catalogue.statements["sigma", "placeholder"]
        assert sum(len(entry.rules) for entry in catalogue.entries) + placeholders == len(texts)
        assert len({entry.id for entry in catalogue.entries}) == len(catalogue.entries)


def test_half_a_character_has_an_id() -> None:
    """A YAML escape makes one of clean UTF-8."""
    assert len(entry_id("backup \ud800 of the mail")) == 12
