"""How an entry stands to the alert, and the order of an answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.catalogue import lookups
from lofp_enrich.catalogue.merge import merge
from lofp_enrich.model import Conditions, FalsePositive
from lofp_enrich.search.answer.enrich import Enricher, load_enricher
from lofp_enrich.search.answer.evidence import (
    CONTRADICTS,
    FITS,
    OPEN,
    RESEMBLES,
    STATES,
    Evidence,
    weigh,
)
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.answer.weigher import Weigher
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.columns import EVIDENCE, SOFTWARE
from lofp_enrich.search.knowledge.conditions import ConditionsIndex
from tests.conftest import examples
from tests.search.answer.known import ALERTS, CMD, INDEX, ROWS, alert, at_home
from tests.search.conftest import rule


def conditions(fits: Any = None, against: Any = None, **values: str) -> ConditionsIndex:
    row = {**dict.fromkeys(EVIDENCE, ""), "entry_id": "e", **values}
    row["fits"] = json.dumps(fits) if fits else ""
    row["contradicts"] = json.dumps(against) if against else ""
    return ConditionsIndex([row])


def entry(index: ConditionsIndex, **values: str) -> Evidence:
    return Weigher(INDEX, index, alert(**values)).entry("e")


class TestEntries:
    AS_PARENT = conditions(
        {"command_line|contains": " save "},
        [{"command_line|contains": " -enc"}, {"user": "eve"}],
        software="vault|guard",
        role="parent",
    )

    @pytest.mark.parametrize(
        ("values", "state", "because"),
        [
            (
                {"parent": at_home("vault"), "command_line": "reg save x"},
                *(FITS, f"parent is {at_home('vault')}; command line is reg save x"),
            ),
            (
                {"parent": at_home("guard"), "command_line": "reg save x"},
                *(FITS, f"parent is {at_home('guard')}; command line is reg save x"),
            ),
            # What the alert lacks is open, whatever else holds.
            ({}, OPEN, "the alert does not say the parent"),
            ({"parent": at_home("vault")}, OPEN, "the alert does not say the command line"),
            ({"command_line": "reg save x"}, OPEN, "the alert does not say the parent"),
            (
                {"parent": "vault.exe", "command_line": "reg save x"},
                *(OPEN, "parent is vault.exe: the alert does not say where it lies"),
            ),
            # Another argument, another program, one that poses.
            (
                {"parent": at_home("vault"), "command_line": "reg query x"},
                *(CONTRADICTS, "command line is reg query x"),
            ),
            ({"command_line": "reg query x"}, CONTRADICTS, "command line is reg query x"),
            (
                {"parent": "C:\\Windows\\explorer.exe", "command_line": "reg save x"},
                *(CONTRADICTS, "parent is C:\\Windows\\explorer.exe"),
            ),
            (
                {"parent": "C:\\Users\\Public\\vault.exe", "command_line": "reg save x"},
                CONTRADICTS,
                "parent is C:\\Users\\Public\\vault.exe, which is not its folder",
            ),
            # Each item against it decides alone.
            (
                {"parent": at_home("vault"), "command_line": "reg save x -enc y"},
                *(CONTRADICTS, "command line is reg save x -enc y"),
            ),
            (
                {"parent": at_home("vault"), "command_line": "reg save x", "user": "Eve"},
                *(CONTRADICTS, "user is Eve"),
            ),
            ({"user": "eve"}, CONTRADICTS, "user is eve"),
        ],
    )
    def test_of_software_in_its_role(
        self, values: dict[str, str], state: str, because: str
    ) -> None:
        found = entry(self.AS_PARENT, **values)
        assert found == Evidence(state, because, "Vault, Guard")

    def test_what_whoever_acts_can_set_resembles(self) -> None:
        index = conditions({"command_line|contains": " save ", "user": "svc-vault"})
        found = entry(index, command_line="reg save x", user="svc-vault")
        assert found == Evidence(RESEMBLES, "command line is reg save x", "")

    def test_a_path_out_of_reach_fits_without_software(self) -> None:
        index = conditions({"parent|endswith": "\\vault.exe"})
        assert entry(index, parent=at_home("vault")).state == FITS
        assert entry(index, parent="C:\\Users\\a\\vault.exe").state == RESEMBLES

    @pytest.mark.parametrize(
        ("key", "role", "fits", "state"),
        [
            # By the parent's place alone, a web shell would fit as well.
            ("host", "parent", None, RESEMBLES),
            ("host", "parent", {"command_line|contains": "x"}, FITS),
            ("host", "process", None, FITS),
            ("hand", "process", None, RESEMBLES),
            ("drill", "process", {"command_line|contains": "x"}, RESEMBLES),
            ("keeper", "parent", None, FITS),
        ],
    )
    def test_some_categories_are_not_enough(
        self, key: str, role: str, fits: Any, state: str
    ) -> None:
        index = conditions(fits, software=key, role=role)
        assert entry(index, **{role: at_home(key), "command_line": "x"}).state == state

    def test_the_process_is_the_role_where_none_is_said(self) -> None:
        index = conditions(software="vault")
        assert entry(index, process=at_home("vault")).state == FITS
        assert entry(index, parent=at_home("vault"), process=CMD).state == CONTRADICTS

    def test_callers(self) -> None:
        index = conditions({"operation": "CreateRole"}, software="stack", role="caller")
        called = entry(index, operation="CreateRole", invoked_by="stack.amazonaws.com")
        assert called.state == FITS
        assert entry(index, operation="CreateRole", user="ada") == Evidence(
            OPEN, "the alert does not say the software", "Stack"
        )

    @pytest.mark.parametrize("index", [ConditionsIndex(()), conditions(against=[{"user": "eve"}])])
    def test_nothing_wanted_is_open(self, index: ConditionsIndex) -> None:
        assert entry(index, user="ada").state == OPEN

    def test_software_that_nobody_knows_is_open_or_contradicts(self) -> None:
        index = conditions(software="nobody", role="parent")
        assert entry(index).state == OPEN
        assert entry(index, parent=at_home("vault")).state == CONTRADICTS


class TestAnswer:
    """An answer of an enricher that has read its files, as a search does."""

    PARENT = at_home("vault")
    ALERT: Mapping[str, str] = {
        "technique_id": "T1059.001",
        "search_name": "Shell Started",
        "ParentImage": PARENT,
        "Image": "C:\\Users\\Public\\guard.exe",
        "CommandLine": "guard reg save apple birch cedar daisy",
    }
    ENTRIES = (
        ("apple stands open", None, ""),
        ("birch fits", {"command_line|contains": " save "}, "vault"),
        ("cedar resembles", {"command_line|contains": "cedar"}, ""),
        ("daisy contradicts", {"command_line|contains": "elder"}, ""),
    )
    ORDER = (
        "A program named like Guard (edr) lies where that product is not installed.",
        "our own",
        "birch fits",
        "Vault (backup) is the parent: copies a hive.",
        "the rule says",
        "cedar resembles",
        "apple stands open",
        "daisy contradicts",
    )

    @pytest.fixture
    def enricher(self, attack: Attack, tmp_path: Path) -> Any:
        rules = [rule("the rule says", title="Shell Started")]
        for statement, fits, software in self.ENTRIES:
            wanted = None
            if fits:
                key = (software,) if software else ()
                wanted = Conditions(key, "parent" if software else "", json.dumps(fits), "")
            said = FalsePositive(statement, check="Look.", against="No.", conditions=wanted)
            rules.append(rule(statement, falsepositives=(said,)))
        lookups.write(merge(rules, attack), attack, (), tmp_path)
        with (tmp_path / "lofp_software.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, SOFTWARE, lineterminator="\n")
            writer.writeheader()
            writer.writerows(ROWS)
        (tmp_path / "lofp_local.csv").write_text("statement,technique\nour own,T1059*\n")

        def make(**options: str) -> Enricher:
            options = {"min_score": "0", "max": "50", "output": "full", **options}
            made, troubles = load_enricher(tmp_path, parse(options), date(2026, 12, 1))
            assert troubles == []
            return made

        return make

    def said(self, enricher: Enricher, event: Mapping[str, Any] | None = None) -> list[str]:
        found = enricher.answer(event or self.ALERT).explanations
        return [each.statement for each in found]

    def test_order(self, enricher: Any) -> None:
        found = enricher().answer(self.ALERT).explanations
        assert {each.statement for each in found} == set(self.ORDER)
        # Of what fits an entry's nearness comes before an actor's, which has none.
        fitting = {each.statement for each in found if each.evidence == FITS}
        places = [each.statement for each in found]
        assert fitting == set(self.ORDER[2:4])
        assert places[:2] == list(self.ORDER[:2])
        assert set(places[2:4]) == fitting
        assert places[4:] == list(self.ORDER[4:])

    def test_states_and_parallel_fields(self, enricher: Any) -> None:
        (output,) = enricher().outputs(self.ALERT)
        rows = dict(
            zip(output["lofp_statement"], zip(output["lofp_evidence"], output["lofp_match"]))
        )
        assert rows[self.ORDER[0]] == (CONTRADICTS, "software")
        assert rows["our own"] == (RESEMBLES, "local")
        assert rows["birch fits"] == (FITS, "technique")
        assert rows["the rule says"] == (OPEN, "rule")
        assert rows["cedar resembles"] == (RESEMBLES, "technique")
        assert rows["apple stands open"] == (OPEN, "technique")
        assert rows["daisy contradicts"] == (CONTRADICTS, "technique")
        against = dict(zip(output["lofp_statement"], output["lofp_against"]))
        assert (against["birch fits"], against["our own"]) == ("No.", "-")
        software = dict(zip(output["lofp_statement"], output["lofp_software"]))
        assert (software["birch fits"], software["cedar resembles"]) == ("Vault", "-")
        lists = ("statement", "evidence", "because", "software", "against", "check", "rule")
        assert {len(output[f"lofp_{name}"]) for name in lists} == {len(self.ORDER)}
        assert output["lofp_count"] == str(len(self.ORDER))

    def test_a_masquerade_takes_a_place_of_max(self, enricher: Any) -> None:
        assert self.said(enricher(max="1")) == [self.ORDER[0]]
        assert self.said(enricher(max="2")) == list(self.ORDER[:2])

    @pytest.mark.parametrize("state", STATES)
    def test_only_those_that_stand_so(self, enricher: Any, state: str) -> None:
        every = enricher().answer(self.ALERT).explanations
        found = enricher(evidence=state).answer(self.ALERT)
        assert found.explanations == tuple(each for each in every if each.evidence == state)
        assert found.explanations
        # They count all the same, as what min_score leaves out does.
        assert found.total == len(every)

    def test_several_states(self, enricher: Any) -> None:
        found = enricher(evidence="fits,contradicts").answer(self.ALERT).explanations
        assert {each.evidence for each in found} == {FITS, CONTRADICTS}

    def test_nothing_that_stands_so_is_no_match(self, enricher: Any) -> None:
        event = {"technique_id": "T1059.001"}
        assert enricher(evidence="fits").answer(event).status == "no_match"

    @pytest.mark.parametrize(
        "options", [{"kind": "actor"}, {"source": "software"}, {"kind": "actor", "match": "auto"}]
    )
    def test_actors_alone(self, enricher: Any, options: dict[str, str]) -> None:
        found = enricher(**options).answer(self.ALERT).explanations
        assert [each.match for each in found if each.match != "local"] == ["software"] * 2
        assert {each.kind for each in found if each.match == "software"} == {"actor"}

    @pytest.mark.parametrize(
        "options",
        [{"kind": "benign"}, {"source": "sigma"}, {"match": "technique"}, {"match": "exact"}],
    )
    def test_no_actors(self, enricher: Any, options: dict[str, str]) -> None:
        found = enricher(**options).answer(self.ALERT).explanations
        assert found
        assert "software" not in {each.match for each in found}

    def test_software_explains_an_alert_without_a_technique(self, enricher: Any) -> None:
        event = {"ParentImage": self.PARENT, "CommandLine": "reg save x"}
        found = enricher().answer(event)
        assert (found.status, found.explanations[0].match) == ("matched", "software")

    def test_what_fits_is_found_however_far_it_is(self, enricher: Any) -> None:
        event = {
            **{"technique_id": "T1059.001", "ParentImage": self.PARENT},
            "CommandLine": "reg save apple",
        }
        assert "birch fits" in self.said(enricher(min_score="100"), event)


@examples(150)
@given(st.lists(ALERTS, max_size=3))
def test_weighing_never_raises(alerts: Iterable[dict[str, str]]) -> None:
    index = TestEntries.AS_PARENT
    wanted = index.of("e")
    assert wanted
    for values in alerts:
        said = alert(**values)
        assert weigh(wanted, said, list(INDEX.sightings(said)), INDEX).state in STATES
