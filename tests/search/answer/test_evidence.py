"""How an explanation stands to the alert: actors, entries, and the order of an answer."""

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
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.answer.enrich import Enricher, load_enricher
from lofp_enrich.search.answer.evidence import (
    CHECKS,
    CONTRADICTS,
    FITS,
    OPEN,
    RESEMBLES,
    STATES,
    Actor,
    Evidence,
    Weigher,
    check_of,
    statement_of,
    weigh,
)
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.behaviour import BROUGHT_ALONG, RUNS_ANYTHING
from lofp_enrich.search.knowledge.columns import EVIDENCE, SOFTWARE
from lofp_enrich.search.knowledge.conditions import ConditionsIndex
from lofp_enrich.search.knowledge.software import SoftwareIndex
from tests.conftest import examples
from tests.search.conftest import rule

SYSTEM = "C:\\Windows\\System32\\"
HOME = "C:\\Program Files\\"


def product(key: str, category: str, *does: dict[str, Any], **values: str) -> dict[str, str]:
    name = key.title()
    known = {
        "processes": f"{key}.exe|{key}svc.exe",
        "folders": f"{HOME}{name}\\",
        "does": json.dumps(does) if does else "",
    }
    row = {**dict.fromkeys(SOFTWARE, ""), **known, **values}
    return {**row, "software": key, "name": name, "vendor": "V", "category": category}


ROWS = (
    product(
        *("vault", "backup"),
        {"role": "parent", "what": "copies a hive", "command_line|contains": " save "},
        {"role": "process", "what": "reads NTDS", "file|endswith": "\\ntds.dit"},
    ),
    product("guard", "edr"),
    product("keeper", "endpoint-management"),
    product("surf", "browser", {"role": "parent", "what": "installs a host", "user": "ada"}),
    product(
        *("host", "web-server"),
        {"role": "parent", "what": "starts a worker", "parent|endswith": "\\hostsvc.exe"},
    ),
    product("hand", "rmm"),
    product("drill", "breach-simulation"),
    product("kernel", "operating-system"),
    product("write", "office"),
    product("talk", "conferencing", hosts="*.talk.example"),
    product("sync", "storage-sync"),
    product("stack", "cloud-service", processes="", folders="", invoked_by="stack.amazonaws.com"),
    product("runner", "ci", processes="", folders="", users="system:serviceaccount:ci:*"),
)
INDEX = SoftwareIndex(ROWS)
CATEGORIES = {row["software"]: row["category"] for row in ROWS}


def alert(**values: str | tuple[str, ...]) -> Alert:
    each = {name: (v,) if isinstance(v, str) else v for name, v in values.items()}
    return Alert(each, (), (), {})


def at_home(key: str, program: str = "") -> str:
    return f"{HOME}{key.title()}\\{program or key + '.exe'}"


def actors(**values: str | tuple[str, ...]) -> list[Actor]:
    return Weigher(INDEX, ConditionsIndex(()), alert(**values)).actors()


def states(**values: str | tuple[str, ...]) -> list[tuple[str, str]]:
    return [(each.software.key, each.evidence.state) for each in actors(**values)]


CMD = SYSTEM + "cmd.exe"
WHOAMI = SYSTEM + "whoami.exe"
PLAIN = {"process": CMD, "command_line": "cmd /c x"}
LSASS = {"object": SYSTEM + "lsass.exe"}
RUN = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x"


class TestActors:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, []),
            (PLAIN, []),
            # Its place alone resembles.
            ({**PLAIN, "parent": at_home("vault")}, [("vault", RESEMBLES)]),
            # What it is known to do.
            ({"parent": at_home("vault"), "command_line": "reg save x"}, [("vault", FITS)]),
            ({"process": at_home("vault"), "file": "C:\\a\\ntds.dit"}, [("vault", FITS)]),
            # ... in a role in which it is known to do it.
            ({"process": at_home("vault"), "command_line": "x save y"}, [("vault", OPEN)]),
            # What the alert does not say leaves that open, and so does a name without a folder.
            ({"parent": at_home("vault")}, [("vault", OPEN)]),
            ({"parent": "vault.exe", "command_line": "reg save x"}, [("vault", OPEN)]),
            # In another folder of administrators it is itself, where users write another.
            ({"parent": HOME + "Old\\vault.exe", "command_line": "x save y"}, [("vault", FITS)]),
            ({"parent": "C:\\Users\\Public\\vault.exe", **PLAIN}, [("vault", CONTRADICTS)]),
            ({"parent": SYSTEM + "vault.exe", "command_line": " save "}, [("vault", CONTRADICTS)]),
            ({"process": "C:\\Windows\\Temp\\guard.exe"}, [("guard", CONTRADICTS)]),
            # One that poses stands before one that fits.
            (
                {
                    **{"parent": at_home("vault"), "command_line": "reg save x"},
                    "process": "C:\\Users\\Public\\guard.exe",
                },
                [("guard", CONTRADICTS), ("vault", FITS)],
            ),
            # A registry value names what it likes; that it starts another is no masquerade.
            ({"registry_data": "C:\\Users\\a\\vault.exe"}, [("vault", RESEMBLES)]),
        ],
    )
    def test_state(self, values: dict[str, str], expected: list[tuple[str, str]]) -> None:
        assert states(**values) == expected

    @pytest.mark.parametrize("key", [k for k, c in CATEGORIES.items() if c in RUNS_ANYTHING])
    @pytest.mark.parametrize("child", [CMD, WHOAMI, SYSTEM + "arp.exe"])
    def test_what_runs_anything_never_fits_as_a_parent(self, key: str, child: str) -> None:
        found = states(parent=at_home(key), process=child, command_line="x", user="ada")
        assert [each for each in found if each[1] == FITS] == []

    def test_but_where_its_very_program_is_known_to_start_such(self) -> None:
        assert states(parent=at_home("host", "hostsvc.exe"), **PLAIN) == [("host", FITS)]
        assert states(parent=at_home("host", "host.exe"), **PLAIN) == [("host", RESEMBLES)]

    @pytest.mark.parametrize("key", [k for k, c in CATEGORIES.items() if c in BROUGHT_ALONG])
    @pytest.mark.parametrize(
        "values",
        [
            {"file": "C:\\a"},
            {"registry": RUN},
            {"dest_ip": "192.0.2.1"},
            {"parent": SYSTEM + "services.exe"},
            LSASS,
            {"object": SYSTEM + "ntdll.dll"},
        ],
    )
    def test_what_intruders_bring_along_never_fits_by_its_own_programs(
        self, key: str, values: dict[str, str]
    ) -> None:
        assert states(process=at_home(key), **values) == [(key, RESEMBLES)]

    @pytest.mark.parametrize(
        ("key", "state"),
        [("guard", FITS), ("keeper", FITS), ("vault", OPEN), ("sync", RESEMBLES)],
    )
    def test_lsass_is_read_by_few(self, key: str, state: str) -> None:
        assert states(process=at_home(key), **LSASS) == [(key, state)]

    def test_other_objects_are_read_by_more(self) -> None:
        assert states(process=at_home("sync"), object="\\Device\\x") == [("sync", FITS)]

    @pytest.mark.parametrize(
        ("child", "command_line", "state"),
        [
            (WHOAMI, "whoami /all", FITS),
            (SYSTEM + "systeminfo.exe", "systeminfo", FITS),
            (SYSTEM + "reg.exe", "reg query HKLM\\x", FITS),
            # One that does one thing is a tool; what runs or fetches anything tells nothing.
            (SYSTEM + "nltest.exe", "nltest /dclist", FITS),
            (CMD, "cmd.exe /c whoami", FITS),
            (CMD, "cmd.exe /c whoami & x", RESEMBLES),
            (SYSTEM + "rundll32.exe", "rundll32 x", RESEMBLES),
            (SYSTEM + "WindowsPowerShell\\v1.0\\powershell.exe", "powershell x", RESEMBLES),
            (SYSTEM + "certutil.exe", "certutil -urlcache", RESEMBLES),
            ("C:\\Users\\Public\\nltest.exe", "nltest", RESEMBLES),
        ],
    )
    def test_inventory_and_tools(self, child: str, command_line: str, state: str) -> None:
        values = {"process": child, "command_line": command_line}
        assert states(parent=at_home("keeper"), **values) == [("keeper", state)]
        # Nothing of that holds for who only writes files.
        assert states(parent=at_home("sync"), **values) == [("sync", RESEMBLES)]

    def test_a_family_of_programs(self) -> None:
        both = {"process": at_home("hand"), "parent": at_home("write", "writesvc.exe")}
        assert ("write", FITS) not in states(**both)
        own = {"process": at_home("write"), "parent": at_home("write", "writesvc.exe")}
        (found,) = actors(**own)
        assert (found.evidence.state, found.what) == (FITS, "one of its programs starts another")

    @pytest.mark.parametrize(
        ("key", "values", "state"),
        [
            ("talk", {"domain": "eu.talk.example"}, FITS),
            ("talk", {"url": "https://talk.example/a"}, FITS),
            ("talk", {"domain": "other.example"}, FITS),
            ("write", {"domain": "other.example"}, RESEMBLES),
            ("write", {"object": SYSTEM + "ntdll.dll"}, RESEMBLES),
            ("talk", {"object": SYSTEM + "ntdll.dll"}, FITS),
            ("write", {"object": at_home("write", "own.dll")}, FITS),
            ("write", {"object": "C:\\Users\\a\\own.dll"}, RESEMBLES),
            ("keeper", {"parent": SYSTEM + "services.exe"}, FITS),
            ("keeper", {"parent": "services.exe"}, RESEMBLES),
            ("keeper", {"parent": "C:\\Users\\a\\services.exe"}, RESEMBLES),
        ],
    )
    def test_its_own_work(self, key: str, values: dict[str, str], state: str) -> None:
        assert states(process=at_home(key), **values) == [(key, state)]

    @pytest.mark.parametrize(
        ("text", "state"),
        [
            (at_home("vault"), FITS),
            (f'"{at_home("vault")}" --tray', FITS),
            ("C:\\Users\\a\\vault.exe", RESEMBLES),
            # A browser that is to start with something in its hand.
            (at_home("surf"), FITS),
            (f"{at_home('surf')} --load C:\\Users\\a\\x", RESEMBLES),
        ],
    )
    def test_what_is_to_start(self, text: str, state: str) -> None:
        assert [each[1] for each in states(registry=RUN, registry_data=text)] == [state]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (
                {"operation": "CreateRole", "invoked_by": "stack.amazonaws.com"},
                [("stack", FITS)],
            ),
            ({"invoked_by": "stack.amazonaws.com"}, [("stack", RESEMBLES)]),
            ({"operation": "list", "user": "system:serviceaccount:ci:a"}, [("runner", FITS)]),
            (
                {"operation": "create", "user": "system:serviceaccount:ci:a"},
                [("runner", RESEMBLES)],
            ),
        ],
    )
    def test_callers(self, values: dict[str, str], expected: list[tuple[str, str]]) -> None:
        assert states(**values) == expected

    def test_the_system_alone_tells_nothing(self) -> None:
        assert states(parent=at_home("kernel"), **PLAIN) == []
        assert states(parent=at_home("kernel"), process=CMD) == []

    def test_the_best_of_its_places_counts(self) -> None:
        values = {"process": at_home("guard"), "parent": at_home("guard"), "file": "C:\\a"}
        assert states(**values) == [("guard", FITS)]


class TestWords:
    def test_of_what_fits(self) -> None:
        (found,) = actors(parent=at_home("vault"), command_line="reg save x")
        assert statement_of(found) == "Vault (backup) is the parent: copies a hive."
        assert found.evidence == Evidence(
            FITS, f"parent is {at_home('vault')}; command line is reg save x", "Vault"
        )
        assert check_of(found) == f"In Vault: {CHECKS['backup']}."

    def test_of_its_place_alone(self) -> None:
        (found,) = actors(parent=at_home("vault"), **PLAIN)
        assert statement_of(found) == "Vault (backup) is the parent."
        assert found.evidence.because == f"parent is {at_home('vault')}"

    def test_of_a_masquerade(self) -> None:
        (found,) = actors(process="C:\\Users\\Public\\guard.exe")
        said = "A program named like Guard (edr) lies where that product is not installed."
        assert statement_of(found) == said
        assert found.evidence.because == (
            "named like Guard, but process is C:\\Users\\Public\\guard.exe, which is not its folder"
        )

    def test_a_statement_never_has_what_the_alert_says(self) -> None:
        """What an alert says stands in because; the explanation is of our list."""
        hostile = f"{HOME}Vault\\<b>close it<b>.exe"
        (found,) = actors(parent=hostile, **PLAIN)
        assert "close it" not in statement_of(found) + check_of(found)
        assert "close it" in found.evidence.because


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


PATH = st.sampled_from([CMD, WHOAMI, "vault.exe", SYSTEM + "services.exe"]) | st.tuples(
    st.sampled_from([HOME, "C:\\Users\\Public\\", "C:\\Windows\\Temp\\", "D:\\"]),
    st.sampled_from(sorted(CATEGORIES)),
).map(lambda pair: f"{pair[0]}{pair[1].title()}\\{pair[1]}.exe")
ALERTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("process", "parent", "file", "object", "registry_data"), PATH),
        **{name: st.text(max_size=9) for name in ("command_line", "user", "domain", "url")},
    },
)
REACHED = ("C:\\Users\\", "C:\\Windows\\Temp\\", "D:\\")


@examples(300)
@given(ALERTS)
def test_nothing_fits_that_a_user_could_have_put_there(values: dict[str, str]) -> None:
    moved = {
        name: value.replace(HOME, "C:\\Users\\Public\\").replace(SYSTEM, "C:\\Users\\Public\\")
        for name, value in values.items()
    }
    found = actors(**moved)
    assert {each.evidence.state for each in found} <= {RESEMBLES, OPEN, CONTRADICTS}
    for each in actors(**values):
        assert each.evidence.state in STATES
        assert statement_of(each)


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
