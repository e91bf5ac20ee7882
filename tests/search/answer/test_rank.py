"""The order of explanations."""

from __future__ import annotations

import random
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.answer import rank
from lofp_enrich.search.answer.enrich import Answer, Enricher
from lofp_enrich.search.attack import parent
from tests.search.conftest import EnricherOf, rule

FULL = {"output": "full", "max": "50"}
SUBJECTS = """
apple birch cedar daisy elder ferny grape hazel ivory jasmine kiwis lemon mango nutmeg olive peach
quince roses sorrel thyme ulmus violet willow xenia yarrow zinnia acacia basil clover dahlia endive
fennel ginger heather indigo juniper kapok laurel mallow nettle orchid parsley
""".split()


def answer(enricher: Enricher, technique: str = "T1059.001", **fields: str) -> Answer:
    values = {name: (value,) for name, value in fields.items()}
    return enricher.answer({"technique_id": tuple(technique.split()), **values})


def statements(found: Answer) -> list[str]:
    return [each.statement for each in found.explanations]


class TestMeeting:
    @pytest.mark.parametrize(
        ("stated", "techniques", "expected"),
        [
            ("T1059", "T1059", ("technique", "T1059", "T1059")),
            ("T1059.001", "T1059.001", ("technique", "T1059.001", "T1059.001")),
            ("T1059", "T1059.001", ("parent", "T1059", "T1059.001")),
            ("T1059.001", "T1059", ("child", "T1059.001", "T1059")),
            ("T1059.001", "T1059.003", ("", "", "")),
            ("T1078", "T1059", ("", "", "")),
            ("", "T1059", ("", "", "")),
            ("T1059", "", ("", "", "")),
            ("T1059 T1059.001", "T1059.001", ("technique", "T1059.001", "T1059.001")),
            ("T1059.001", "T1078 T1059 T1059.001", ("technique", "T1059.001", "T1059.001")),
            ("T1078.004 T1059", "T1078 T1059.001", ("parent", "T1059", "T1059.001")),
        ],
    )
    def test_the_nearest(
        self, stated: str, techniques: str, expected: tuple[str, str, str]
    ) -> None:
        assert rank.meeting(stated.split(), techniques.split()) == expected

    @given(*[st.lists(st.sampled_from(["T1", "T1.001", "T1.002", "T2", "T2.001"]))] * 2)
    def test_whatever_the_techniques(self, stated: list[str], techniques: list[str]) -> None:
        match, one, other = rank.meeting(stated, techniques)
        if not match:
            assert not set(stated) & set(techniques)
            return
        assert one in stated
        assert other in techniques
        assert parent(one) == parent(other)
        assert (match == "technique") == (one == other)
        assert rank.meeting(techniques, stated).match


_POSTINGS = st.dictionaries(st.integers(0, 12), st.integers(1, 120), min_size=1)
_WORTH = st.sampled_from([1.0, 0.5, 0.25])  # sums of these are exact in any order


@given(st.lists(st.tuples(_POSTINGS, _WORTH), max_size=8), st.integers(0, 400))
def test_the_short_way_to_a_sum_is_right(
    words: list[tuple[dict[int, int], float]], least: int
) -> None:
    plain: dict[int, float] = {}
    for weights, worth in words:
        for place, weight in weights.items():
            plain[place] = plain.get(place, 0.0) + weight * worth
    shared = [(max(weights.values()) * worth, "", worth, weights) for weights, worth in words]
    shared.sort(key=lambda each: -each[0])
    expected = {place: total for place, total in plain.items() if total >= least}
    assert rank._sums(shared, least) == expected


class TestOrder:
    def test_nearer_techniques_first(self, enricher_of: EnricherOf) -> None:
        rules = [
            rule("apple at the technique", techniques="T1059.001"),
            rule("birch above it", techniques="T1059"),
            rule("cedar beside it", techniques="T1059.003"),
        ]
        enricher = enricher_of(rules, **FULL)
        found = answer(enricher)
        assert [each.match for each in found.explanations] == ["technique", "parent"]
        assert found.total == 2
        above = answer(enricher, "T1059")
        assert [each.match for each in above.explanations] == ["technique", "child", "child"]

    def test_a_cause_before_what_is_true_of_everything_before_advice(
        self, enricher_of: EnricherOf
    ) -> None:
        rules = [
            rule("Filter as needed."),
            rule("Legitimate administrative activity"),
            rule("The inventory of printers"),
        ]
        found = answer(enricher_of(rules, **FULL))
        assert [each.kind for each in found.explanations] == ["benign", "generic", "advice"]

    def test_the_product_of_the_log(self, enricher_of: EnricherOf) -> None:
        rules = [
            rule("apple one", product="aws"),
            rule("birch two", product="windows"),
            rule("cedar three"),
        ]
        enricher = enricher_of(rules, **FULL)
        found = answer(enricher, sourcetype="XmlWinEventLog")
        assert statements(found) == ["birch two", "cedar three", "apple one"]
        found = answer(enricher, vendor_product="Amazon CloudTrail")
        assert statements(found) == ["apple one", "cedar three", "birch two"]

    @pytest.mark.parametrize("field", ["process", "CommandLine", "user_agent", "message", "title"])
    def test_words_that_alert_and_statement_share(
        self, enricher_of: EnricherOf, field: str
    ) -> None:
        enricher = enricher_of([rule(f"{each} makes a backup") for each in SUBJECTS[:9]], **FULL)
        for subject in SUBJECTS[:9]:
            found = answer(enricher, **{field: f"C:\\x\\{subject.upper()}.exe --run"})
            assert found.explanations[0].statement == f"{subject} makes a backup"
            assert found.explanations[0].why == f"same technique, shares: {subject}"

    @pytest.mark.parametrize("place", ["title", "description", "terms"])
    def test_words_of_the_rules_that_state_it(self, enricher_of: EnricherOf, place: str) -> None:
        rules = []
        for each in SUBJECTS[:5]:
            text: object = (f"zebra{each}",) if place == "terms" else f"zebra{each}"
            rules.append(rule(f"{each} is at work", **{place: text}))  # type: ignore[arg-type]
        found = answer(enricher_of(rules, **FULL), process=f"zebra{SUBJECTS[3]}")
        assert found.explanations[0].statement == f"{SUBJECTS[3]} is at work"

    def test_rare_words_count_more(self, enricher_of: EnricherOf) -> None:
        rules = [rule(f"printer {each}") for each in SUBJECTS[:20]]
        found = answer(enricher_of(rules, **FULL), process="printer printer lemon")
        assert found.explanations[0].statement == "printer lemon"

    @pytest.mark.parametrize("technique", ["T1059.001", "T1059"])
    def test_a_statement_under_all_techniques_explains_none(
        self, enricher_of: EnricherOf, technique: str
    ) -> None:
        everywhere = "T1059.001 T1078 T1003 T1021 T1053 T1055 T1070 T1105 T1110 T1140 T1190 T1204"
        rules = [
            rule(f"{each} at work", techniques=everywhere if number < 5 else "T1059.001")
            for number, each in enumerate(SUBJECTS[:10])
        ]
        found = statements(answer(enricher_of(rules, **FULL), technique))
        assert {each.split()[0] for each in found[:5]} == set(SUBJECTS[5:10])

    def test_a_statement_that_says_what_to_check_before_one_that_does_not(
        self, enricher_of: EnricherOf
    ) -> None:
        rules = [
            rule(f"{each} at work", check="Look." if number < 5 else "")
            for number, each in enumerate(SUBJECTS[:10])
        ]
        found = answer(enricher_of(rules, **FULL))
        assert [each.check for each in found.explanations] == ["Look."] * 5 + [""] * 5

    def test_ties_by_rules_then_id(self, enricher_of: EnricherOf) -> None:
        rules = [rule(f"{each} runs") for each in SUBJECTS[:8]]
        rules += [rule(f"{SUBJECTS[5]} runs", id="again", title=f"Rule of {SUBJECTS[5]} runs")]
        found = answer(enricher_of(rules, **FULL))
        scores = [each.score for each in found.explanations]
        assert found.explanations[0].statement == f"{SUBJECTS[5]} runs"
        ids = [each.entry_id for each in found.explanations[1:]]
        assert len(set(scores[1:])) == 1
        assert ids == sorted(ids)

    def test_scores_fall_and_stay_between_0_and_100(self, enricher_of: EnricherOf) -> None:
        rules = [
            rule(f"{each} at work", product=product, techniques=techniques, check=check)
            for number, each in enumerate(SUBJECTS)
            for product in [("windows", "aws", "")[number % 3]]
            for techniques in [("T1059", "T1059.001", "T1059 T1078 T1003", "T1059.001")[number % 4]]
            for check in [("", "x")[number % 2]]
        ]
        enricher = enricher_of(rules, **FULL)
        found = answer(enricher, process=" ".join(SUBJECTS), sourcetype="WinEventLog")
        scores = [int(each.score) for each in found.explanations]
        assert len(scores) == found.total == len(SUBJECTS)
        assert scores == sorted(scores, reverse=True)
        assert 0 <= scores[-1] < scores[0] <= 100

    def test_the_order_of_rules_plays_no_part(self, enricher_of: EnricherOf) -> None:
        rules = [rule(f"{each} {SUBJECTS[n % 7]} at work") for n, each in enumerate(SUBJECTS)]
        expected = answer(enricher_of(rules, **FULL), process="lemon mango apple birch")
        random.Random(1).shuffle(rules)
        assert answer(enricher_of(rules, **FULL), process="lemon mango apple birch") == expected


class TestTemplates:
    @staticmethod
    def rules() -> list[str]:
        return [f"{each} may be renewed by the nightly maintenance window" for each in SUBJECTS]

    def test_at_most_one_of_a_family(self, enricher_of: EnricherOf) -> None:
        others = ["Printers of the warehouse", "A drill of the recovery team"]
        enricher = enricher_of([rule(each) for each in [*self.rules(), *others]], max="3")
        found = answer(enricher)
        assert len([each for each in statements(found) if "renewed" in each]) == 1
        assert set(others) < set(statements(found))
        # All of them count, for they are known.
        assert found.total == len(SUBJECTS) + 2

    def test_unless_it_is_what_the_alert_is_about(self, enricher_of: EnricherOf) -> None:
        enricher = enricher_of([rule(each) for each in self.rules()], max="5")
        found = answer(enricher, process="quince.exe", file_name="violet.docx")
        about = [each.split()[0] for each in statements(found)]
        assert set(about[:2]) == {"quince", "violet"}

    def test_a_large_family_hides_no_other(self, enricher_of: EnricherOf) -> None:
        other = "Printers renewed labels"
        unrelated = [f"{each} {each}ium team" for each in ("cobalt", "argon", "radon", "xenon")]
        rules = [rule(each) for each in [*self.rules(), other, *unrelated]]
        found = answer(enricher_of(rules, max="3"), process="renewed nightly maintenance window")
        assert other in statements(found)[:2]
        whole = answer(enricher_of(rules, max="50"), process="renewed nightly maintenance window")
        assert len(statements(whole)) == 2 + len(unrelated)

    def test_statements_in_another_script_are_no_family(self, enricher_of: EnricherOf) -> None:
        ours = [
            "\u5b9a\u671f\u30d0\u30c3\u30af\u30a2\u30c3\u30d7",
            "\u8cc7\u7523\u7ba1\u7406\u30c4\u30fc\u30eb",
            "\u039b\u03ae\u03c8\u03b7 \u03b1\u03bd\u03c4\u03b9\u03b3\u03c1\u03ac\u03c6\u03c9\u03bd",
        ]
        found = answer(enricher_of([rule(each) for each in ours], **FULL))
        assert set(statements(found)) == set(ours)


class TestMinScore:
    def test_without_one_the_worst_of_all_is_shown(self, enricher_of: EnricherOf) -> None:
        everywhere = " ".join(["T1059.003", *(f"T{number}" for number in range(2000, 2100))])
        worst = rule("Filter as needed.", techniques=everywhere, product="aws")
        found = answer(enricher_of([worst], **FULL), "T1059", sourcetype="WinEventLog")
        assert [each.score for each in found.explanations] == ["0"]
        assert (found.status, found.total) == ("matched", 1)

    def test_what_scores_less_is_left_out_and_counted(self, enricher_of: EnricherOf) -> None:
        rules = [rule("apple backup"), rule("birch printers"), rule("Filter as needed.")]
        scores = [int(each.score) for each in answer(enricher_of(rules, **FULL)).explanations]
        enricher = enricher_of(rules, **FULL, min_score=str(scores[-1] + 1))
        found = answer(enricher)
        assert (len(found.explanations), found.total, found.status) == (2, 3, "matched")
        none = answer(enricher_of(rules, **FULL, min_score="100"))
        assert (none.explanations, none.total, none.status) == ((), 3, "no_match")

    @given(words=st.lists(st.sampled_from(SUBJECTS), max_size=6))
    def test_a_score_is_the_same_among_others(
        self, tmp_path_factory: pytest.TempPathFactory, words: list[str]
    ) -> None:
        """The score of a statement does not hang on how many are shown."""
        few, many = _shared(tmp_path_factory)
        text = " ".join(words)
        shown = answer(few, process=text).explanations
        all_of_them = answer(many, process=text).explanations
        assert shown == all_of_them[: len(shown)]


_ENRICHERS: list[tuple[Enricher, Enricher]] = []


def _shared(factory: pytest.TempPathFactory) -> tuple[Enricher, Enricher]:
    """One catalogue for all examples of a property, with a small and a large answer."""
    if not _ENRICHERS:
        from lofp_enrich.catalogue import lookups
        from lofp_enrich.catalogue.merge import merge
        from lofp_enrich.search.answer.options import parse
        from lofp_enrich.search.attack import Attack
        from lofp_enrich.search.knowledge.index import LookupIndex
        from lofp_enrich.search.knowledge.local import LocalRows
        from tests.conftest import ATTACK

        table = Attack.load(ATTACK)
        folder = factory.mktemp("shared")
        rules = [rule(f"{each} {SUBJECTS[n - 1]} at {n}work") for n, each in enumerate(SUBJECTS)]
        lookups.write(merge(rules, table), table, (), folder)
        index = LookupIndex.load(folder)
        few, many = (
            Enricher(index, LocalRows(), parse({"output": "full", "max": most}))
            for most in ("4", "50")
        )
        _ENRICHERS.append((few, many))
    return _ENRICHERS[0]


class TestWords:
    """Alerts that name no technique and no rule of the catalogue."""

    RULES = (
        rule("Nutmeg grinder rotates its orchid archive", techniques="T1070"),
        rule("Nutmeg and quinces", techniques="T1003"),
        *(rule(f"{each} eats {other}") for each, other in zip(SUBJECTS, SUBJECTS[::-1])),
    )
    EVENT: ClassVar = {"process": "grinder.exe", "title": "Nutmeg rotates orchid archive"}

    def test_many_rare_words_find_it(self, enricher_of: EnricherOf) -> None:
        found = enricher_of(self.RULES).answer(self.EVENT)
        assert statements(found) == ["Nutmeg grinder rotates its orchid archive"]
        (each,) = found.explanations
        assert (found.status, found.total, each.match) == ("matched", 1, "words")
        assert (each.technique, each.technique_in, found.techniques) == ("", "", ())
        assert each.why.startswith("no technique in the alert, shares: ")

    @pytest.mark.parametrize(
        "event",
        [
            {"title": "Nutmeg"},  # one word is chance
            {"description": EVENT["title"]},  # nothing of what ran or was done
            {**EVENT, "technique_id": "T1105"},  # there is a technique
        ],
    )
    def test_else_silence(self, enricher_of: EnricherOf, event: dict[str, str]) -> None:
        assert not enricher_of(self.RULES).answer(event).explanations

    @pytest.mark.parametrize(
        "options",
        [
            {"match": "technique"},
            {"match": "exact"},
            {"match": "rule"},
            {"technique_field": "t"},
            {"rule_field": "r"},
        ],
    )
    def test_only_where_nothing_else_was_asked_for(
        self, enricher_of: EnricherOf, options: dict[str, str]
    ) -> None:
        found = enricher_of(self.RULES, **options).answer(self.EVENT)
        assert (found.status, found.total) == ("no_technique", 0)

    def test_advice_is_not_found_by_words(self, enricher_of: EnricherOf) -> None:
        advice = "Filter nutmeg grinder orchid archive as needed."
        found = enricher_of([*self.RULES[1:], rule(advice)]).answer(self.EVENT)
        assert advice not in statements(found)

    def test_what_the_rule_says_is_enough(self, enricher_of: EnricherOf) -> None:
        rules = [*self.RULES, rule("apple runs", title="Nutmeg rotates orchid archive")]
        assert statements(enricher_of(rules).answer(self.EVENT))[0] == "apple runs"
