"""From an alert to its explanations."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.answer.enrich import Answer, Enricher, Values, load_enricher, output_fields
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.columns import OUTPUT_BRIEF, OUTPUT_FULL, OUTPUT_OF_ALERT
from lofp_enrich.search.knowledge.index import LookupIndex
from lofp_enrich.search.knowledge.local import LocalRows, load_local
from tests.search.conftest import EnricherOf, rule

TODAY = date(2026, 2, 28)


def local_rows(folder: Path, attack: Attack, *lines: str) -> LocalRows:
    path = folder / "local.csv"
    path.write_text("statement,technique,owner,reason\n" + "\n".join(lines), encoding="utf-8")
    return load_local(path, TODAY, attack)


def statements(enricher: Enricher, **fields: str) -> list[str]:
    found = enricher.answer({name: (value,) for name, value in fields.items()})
    return [each.statement for each in found.explanations]


class TestOrder:
    RULES = (
        rule("apple runs", "birch renames files", title="Shell Started"),
        rule("Filter as needed.", title="Shell Started", id="2"),
        rule("cedar prints", techniques="T1059"),
        rule("daisy powershell encoded command", check="Look.", product="windows"),
    )

    def test_own_then_the_rules_then_by_score(
        self, enricher_of: EnricherOf, tmp_path: Path, attack: Attack
    ) -> None:
        local = local_rows(tmp_path, attack, "our own,T1059.001,Ada,ask")
        enricher = enricher_of(self.RULES, local, max="50", output="full")
        found = enricher.answer(
            {
                "technique_id": ("T1059.001",),
                "search_name": ("Threat - Shell Started - Rule",),
                "process": ("powershell encoded command",),
                "sourcetype": ("WinEventLog",),
            }
        )
        assert [each.match for each in found.explanations] == [
            *("local", "rule", "rule", "rule", "technique", "parent")
        ]
        assert [each.statement for each in found.explanations] == [
            "our own",
            *_by_id(found, "apple runs", "birch renames files"),
            # Advice of the rule itself comes before what other rules know.
            "Filter as needed.",
            "daisy powershell encoded command",
            "cedar prints",
        ]
        assert found.total == 6
        assert [each.why for each in found.explanations[:2]] == [
            "own explanation",
            "stated by this rule",
        ]
        assert {each.score for each in found.explanations[:4]} == {"100"}

    def test_the_words_of_the_alert_order_a_rules_own(self, enricher_of: EnricherOf) -> None:
        enricher = enricher_of(self.RULES)
        for word in ("apple", "birch"):
            first = statements(enricher, search_name="Shell Started", process=f"{word}.exe")[0]
            assert first.startswith(word)

    @pytest.mark.parametrize("most", range(1, 8))
    def test_max_cuts_at_the_end_and_the_count_stays(
        self, enricher_of: EnricherOf, most: int
    ) -> None:
        values = {"technique_id": ("T1059.001",), "rule_title": ("Shell Started",)}
        whole = enricher_of(self.RULES, max="50").answer(values)
        found = enricher_of(self.RULES, max=str(most)).answer(values)
        assert found.explanations == whole.explanations[:most]
        assert found.total == whole.total == 5


def _by_id(found: Answer, *statements: str) -> list[str]:
    """Statements in the order of their ids, which is that of a rule's own where nothing else is."""
    ids = {each.statement: each.entry_id for each in found.explanations}
    return sorted(statements, key=ids.__getitem__)


class TestStatus:
    @pytest.mark.parametrize(
        ("values", "status", "total"),
        [
            ({}, "no_technique", 0),
            ({"technique_id": "TA0002"}, "no_technique", 0),
            ({"technique_id": "T9999"}, "no_match", 0),
            ({"technique_id": "T1059.001"}, "matched", 1),
            ({"search_name": "Shell Started"}, "matched", 1),
            ({"search_name": "Shell Started", "technique_id": "T9999"}, "matched", 1),
            ({"search_name": "No such", "technique_id": "T9999"}, "no_match", 0),
        ],
    )
    def test_it_says_what_is_known(
        self, enricher_of: EnricherOf, values: dict[str, str], status: str, total: int
    ) -> None:
        enricher = enricher_of([rule("apple runs", title="Shell Started")])
        found = enricher.answer({name: (value,) for name, value in values.items()})
        assert (found.status, found.total) == (status, total)
        assert bool(found.explanations) == (status == "matched")

    def test_an_own_explanation_is_a_match_without_a_technique(
        self, enricher_of: EnricherOf, tmp_path: Path, attack: Attack
    ) -> None:
        enricher = enricher_of([], local_rows(tmp_path, attack, "of everything,,,"))
        found = enricher.answer({"host": ("x",)})
        assert (found.status, found.total) == ("matched", 1)


class TestOptions:
    RULES = (
        rule("apple runs", title="Shell Started", product="windows"),
        rule("birch runs", source="elastic", product="aws"),
        rule("cedar runs", source="entries"),
        rule("daisy runs", techniques="T1059"),
        rule("Legitimate administrative activity", source="splunk"),
        rule("Filter as needed.", source="elastic", id="advice"),
    )

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, "apple birch cedar daisy legitimate filter"),
            ({"source": "sigma"}, "apple daisy"),
            ({"source": "elastic,entries"}, "birch cedar filter"),
            ({"source": "nobody"}, ""),
            ({"product": "windows"}, "apple cedar daisy legitimate filter"),
            ({"product": "aws,linux"}, "birch cedar daisy legitimate filter"),
            ({"kind": "benign"}, "apple birch cedar daisy"),
            ({"kind": "generic,advice"}, "legitimate filter"),
            ({"match": "rule"}, "apple"),
            ({"match": "technique"}, "apple birch cedar daisy legitimate filter"),
            ({"match": "exact"}, "apple birch cedar legitimate filter"),
            ({"source": "sigma", "match": "exact", "product": "aws"}, ""),
        ],
    )
    def test_only_what_is_asked_for(
        self, enricher_of: EnricherOf, options: dict[str, str], expected: str
    ) -> None:
        enricher = enricher_of(self.RULES, max="50", **options)
        fields = {"technique_id": "T1059.001", "search_name": "Shell Started"}
        found = statements(enricher, **fields)
        assert {each.split()[0].lower() for each in found} == set(expected.split())
        first = enricher.answer({name: (value,) for name, value in fields.items()})
        assert first.total == len(expected.split())
        own = [each.match for each in first.explanations if each.match == "rule"]
        assert own == (["rule"] if "apple" in expected and "technique" not in str(options) else [])

    def test_expand_gives_a_set_of_fields_for_each_explanation(
        self, enricher_of: EnricherOf
    ) -> None:
        values = {"technique_id": ("T1059.001",)}
        (one,) = enricher_of(self.RULES, max="4").outputs(values)
        each = enricher_of(self.RULES, max="4", expand="t").outputs(values)
        assert [output["lofp_statement"] for output in each] == [
            [statement] for statement in one["lofp_statement"]
        ]
        assert {output["lofp_count"] for output in each} == {one["lofp_count"]}
        # An alert without an explanation stays one event.
        assert len(enricher_of(self.RULES, expand="t").outputs({})) == 1


class TestOutput:
    def test_fields_in_order_with_the_prefix(self, enricher_of: EnricherOf) -> None:
        for output, names in (("brief", OUTPUT_BRIEF), ("full", OUTPUT_FULL)):
            enricher = enricher_of([rule("apple runs")], output=output, prefix="my_")
            for values in ({}, {"technique_id": ("T1059.001",)}):
                (fields,) = enricher.outputs(values)
                assert list(fields) == enricher.output_fields == [f"my_{name}" for name in names]
        assert output_fields(parse({}))[:2] == ["lofp_status", "lofp_count"]

    def test_who_says_it(self, enricher_of: EnricherOf) -> None:
        rules = [
            rule("apple runs", title="A rule", author="Ada, Grace", url="https://example.com/a"),
            rule("birch runs", title="B rule", source="elastic"),
        ]
        (found,) = enricher_of(rules, output="full").outputs({"technique_id": ("T1059.001",)})
        cited = dict(zip(found["lofp_statement"], found["lofp_rule"]))
        assert cited == {
            "apple runs": "A rule (sigma, Ada, Grace)",
            "birch runs": "B rule (elastic)",
        }
        assert dict(zip(found["lofp_statement"], found["lofp_url"])) == {
            "apple runs": "https://example.com/a",
            "birch runs": "-",
        }

    def test_words_are_said_to_be_of_whom_they_are(self, enricher_of: EnricherOf) -> None:
        """Of a retired rule and one in use, the one in use is cited, with its own source."""
        rules = [
            rule("Apple runs.", title="Old rule", source="elastic", author="Old", deprecated=True),
            rule("apple runs", title="New rule", source="sigma", author="New"),
        ]
        (found,) = enricher_of(rules, output="full").outputs({"technique_id": ("T1059.001",)})
        assert found["lofp_rule"] == ["New rule (sigma, New)"]
        assert found["lofp_source"] == ["sigma"]

    def test_the_technique_that_fits_and_what_it_came_in_as(self, enricher_of: EnricherOf) -> None:
        rules = [
            rule("apple runs", techniques="T1685"),
            rule("birch runs", techniques="T1059"),
            rule("cedar runs", techniques="T1078.004"),
        ]
        enricher = enricher_of(rules, output="full")
        (found,) = enricher.outputs({"technique_id": ("T1089, T1059.001", "T1078")})
        at = {
            statement: (match, technique, came_in)
            for statement, match, technique, came_in in zip(
                found["lofp_statement"],
                found["lofp_match"],
                found["lofp_technique"],
                found["lofp_technique_in"],
            )
        }
        assert at == {
            "apple runs": ("technique", "T1685", "T1089"),
            "birch runs": ("parent", "T1059", "T1059.001"),
            "cedar runs": ("child", "T1078.004", "T1078"),
        }

    def test_own_explanations(
        self, enricher_of: EnricherOf, tmp_path: Path, attack: Attack
    ) -> None:
        local = local_rows(tmp_path, attack, "with owner,,Ada,ask Ada", "without,,,")
        (found,) = enricher_of([], local, output="full").outputs({})
        assert found["lofp_rule"] == ["own explanation of Ada", "own explanation"]
        assert found["lofp_check"] == ["ask Ada", "-"]
        assert found["lofp_entry_id"] == found["lofp_url"] == ["-", "-"]


class TestDamage:
    @pytest.mark.parametrize("kind", ["", "Benign", "{}"])
    def test_a_kind_that_nobody_knows(
        self, enricher_of: EnricherOf, tmp_path: Path, kind: str
    ) -> None:
        enricher_of([rule("apple runs", title="Shell Started")])
        path = tmp_path / "0" / "lofp_entries.csv"
        path.write_bytes(path.read_bytes().replace(b"benign", kind.encode()))
        enricher = Enricher(LookupIndex.load(tmp_path / "0"), LocalRows(), parse({}))
        assert statements(enricher, search_name="Shell Started") == ["apple runs"]

    def test_an_entry_that_is_gone(self, enricher_of: EnricherOf, tmp_path: Path) -> None:
        enricher_of([rule("apple runs", title="Shell Started"), rule("birch runs")])
        path = tmp_path / "0" / "lofp_entries.csv"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if b"apple" not in line))
        options = parse({"min_score": "0"})
        enricher = Enricher(LookupIndex.load(tmp_path / "0"), LocalRows(), options)
        fields = {"search_name": "Shell Started", "technique_id": "T1059.001"}
        assert statements(enricher, **fields) == ["birch runs"]


class TestDeployed:
    HEADER = "rule_key,source,rule_title,author,techniques,statement\n"

    def enricher(self, known_lookups: Path, tmp_path: Path, rows: str, **options: str) -> Enricher:
        for path in known_lookups.glob("*.csv"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
        (tmp_path / "lofp_deployed.csv").write_text(self.HEADER + rows, encoding="utf-8")
        enricher, troubles = load_enricher(tmp_path, parse(options), TODAY)
        assert troubles == []
        return enricher

    def test_a_rule_of_the_site_is_found_by_its_name(
        self, known_lookups: Path, tmp_path: Path
    ) -> None:
        row = "x,deployed,Access - Badge Readers - Rule,,T1078,The badge readers sign in.\n"
        enricher = self.enricher(known_lookups, tmp_path, row)
        for name in ("Access - Badge Readers - Rule", "badge readers", "[Custom] Badge Readers"):
            assert statements(enricher, search_name=name)[0] == "The badge readers sign in."
        assert statements(enricher, search_name="Other") == []
        only = self.enricher(known_lookups, tmp_path, row, source="sigma")
        assert "The badge readers sign in." not in statements(only, search_name="Badge Readers")

    def test_its_techniques_serve_an_alert_that_names_none(
        self, known_lookups: Path, tmp_path: Path
    ) -> None:
        row = "x,deployed,Badge Readers,,T1078,The badge readers sign in.\n"
        every = {"max": "50", "output": "full", "min_score": "0"}
        enricher = self.enricher(known_lookups, tmp_path, row, **every)
        bare = enricher.answer({"search_name": ("Badge Readers",)})
        assert {each.technique for each in bare.explanations[1:]} == {"T1078", "T1078.004"}
        named = {"search_name": ("Badge Readers",), "technique_id": ("T1685",)}
        assert {each.technique for each in enricher.answer(named).explanations[1:]} == {"T1685"}

    @pytest.mark.parametrize(
        "data", [b"", b"a,b\n1,2\n", b"rule_title\nx\n", b"rule_title;statement\n"]
    )
    def test_a_file_that_is_no_such_table_costs_its_own_rules_alone(
        self, known_lookups: Path, tmp_path: Path, data: bytes
    ) -> None:
        for path in known_lookups.glob("*.csv"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
        (tmp_path / "lofp_deployed.csv").write_bytes(data)
        enricher, troubles = load_enricher(tmp_path, parse({}), TODAY)
        assert [each.partition(" ")[0] for each in troubles] == ["lofp_deployed.csv"]
        assert len(statements(enricher, technique_id="T1685")) == 3

    def test_the_same_statement_is_shown_once(self, known_lookups: Path, tmp_path: Path) -> None:
        title = "ESCU - Cloud Key - Made By Hand - Rule"
        row = f"x,deployed,{title},,T1098.001,Break-glass drills make a key by hand\n"
        found = statements(self.enricher(known_lookups, tmp_path, row), search_name=title)
        assert [each.startswith("Break-glass drills") for each in found].count(True) == 1


FIELD = st.sampled_from(
    ["technique_id", "search_name", "process", "sourcetype", "annotations", "other"]
)
VALUE = st.text() | st.sampled_from(
    [
        "T1059.001",
        "t1089",
        "Scanner Service Stopped",
        "powershell",
        "aws",
        "windows",
        "Cloud Accounts",
    ]
)
ALERT = st.dictionaries(FIELD, st.lists(VALUE, min_size=1, max_size=3).map(tuple))


@pytest.fixture(scope="module")
def known(known_lookups: Path) -> Enricher:
    return Enricher(
        LookupIndex.load(known_lookups), LocalRows(), parse({"output": "full", "max": "5"})
    )


@given(values=ALERT)
def test_whatever_the_alert_the_answer_holds_together(known: Enricher, values: Values) -> None:
    found = known.answer(values)
    assert found.status in {"matched", "no_match", "no_technique"}
    assert (found.status == "matched") == bool(found.explanations)
    assert len(found.explanations) <= min(5, found.total)
    scores = [int(each.score) for each in found.explanations]
    assert scores == sorted(scores, reverse=True)
    assert len({each.entry_id for each in found.explanations}) == len(found.explanations)
    matches = [each.match for each in found.explanations]
    assert matches == sorted(matches, key=lambda match: match != "rule")
    (output,) = known.outputs(values)
    parallel = [name for name in OUTPUT_FULL[2:] if name not in OUTPUT_OF_ALERT]
    lists = [output[f"lofp_{name}"] for name in parallel]
    assert {len(each) for each in lists} == {len(found.explanations)}
    assert all(isinstance(part, str) and part for each in lists for part in each)
