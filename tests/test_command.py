"""`| lofpenrich` of the packaged app, on every Python that Splunk runs, with rules of our own.

What the protocol asks of any command is in test_protocol.py. Here is what an analyst asks of this
one: the techniques and rules of every product's alerts are found, whatever is in the data or amiss
with the lookups costs no event, and the answer is the same wherever it is computed.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Union

import pytest

from lofp_enrich.search.alert.fields import RULE_FIELDS, TECHNIQUE_FIELDS
from lofp_enrich.search.answer.enrich import Enricher
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.knowledge.columns import (
    LOCAL,
    OUTPUT_BRIEF,
    OUTPUT_FULL,
    OUTPUT_OF_ALERT,
)
from lofp_enrich.search.knowledge.index import LookupIndex
from lofp_enrich.search.knowledge.local import LocalRows
from tests.conftest import sent_to_indexers
from tests.splunkd import Event, FakeSplunkd, Result, canonical
from tests.test_app import options_in

Changed = Callable[[Mapping[str, Union[bytes, None]]], FakeSplunkd]

HIVE = "Registry Hive Copied To A Share"
SPOOLER = "Printer Spooler Writes A Log"
KEY = "Cloud Key - Made By Hand"
BRACES = "The scanner's updater {ScannerSvc} stops the service it replaces, {0} and all {"
AGENT = (
    "The deployment tool's agent starts powershell.exe with an encoded command to install approved "
    "software."
)
DRILL = 'Red, "blue" and purple drills use everything.'


@pytest.fixture
def known(python: Path, known_app: Path, tmp_path: Path) -> FakeSplunkd:
    """The app with the rules of tests/data/golden."""
    return FakeSplunkd(known_app, python, work_dir=tmp_path)


@pytest.fixture
def changed(python: Path, known_app: Path, tmp_path: Path) -> Changed:
    """The same app with other files, by their path inside it; None takes a file away."""

    def install(files: Mapping[str, bytes | None]) -> FakeSplunkd:
        app = tmp_path / "etc" / "apps" / known_app.name
        shutil.copytree(known_app, app, ignore=shutil.ignore_patterns("__pycache__"))
        for name, data in files.items():
            if data is None:
                (app / name).unlink()
            else:
                (app / name).write_bytes(data)
        return FakeSplunkd(app, python, work_dir=tmp_path / "work")

    return install


def values(event: Event, name: str) -> list[str]:
    """The values of an output field; none where it is empty."""
    value = event.get(name, [])
    return [value] if isinstance(value, str) else value


def statuses(result: Result) -> list[str | list[str]]:
    return [event["lofp_status"] for event in result.events]


def without_output(events: Sequence[Event]) -> list[Event]:
    return [
        {name: value for name, value in event.items() if not name.startswith("lofp_")}
        for event in events
    ]


def local_csv(*rows: Mapping[str, str]) -> bytes:
    """The site's own explanations; columns that a row does not name are blank."""
    lines = [",".join(LOCAL)]
    for row in rows:
        cells = ['"' + row.get(name, "").replace('"', '""') + '"' for name in LOCAL]
        lines.append(",".join(cells))
    return "\n".join(lines).encode() + b"\n"


FORMS: list[tuple[str, str | list[str], str]] = [
    # Enterprise Security and risk
    ("annotations.mitre_attack", "T1059.001", "T1059.001"),
    ("annotations.mitre_attack", ["T1059.001", "T1078.004"], "T1059.001 T1078.004"),
    ("annotations.mitre_attack", ["TA0002", "Execution", "T1059.001"], "T1059.001"),
    ("annotations.mitre_attack.mitre_technique_id", "T1059.001", "T1059.001"),
    (
        "annotations.mitre_attack.mitre_technique_id",
        ["T1059.001", "T1078.004"],
        "T1059.001 T1078.004",
    ),
    ("All_Risk.annotations.mitre_attack", "T1059.001", "T1059.001"),
    (
        "All_Risk.annotations.mitre_attack.mitre_technique_id",
        ["T1078.004", "T1059.001"],
        "T1059.001 T1078.004",
    ),
    ("action.correlationsearch.annotations", '{"mitre_attack":["T1059.001"]}', "T1059.001"),
    (
        "annotations",
        '{"cis": ["T-shirts"], "mitre_attack": ["T1059.001", "T1078.004"], "nist": []}',
        "T1059.001 T1078.004",
    ),
    ("annotations", '{"mitre_attack": "T1059.001"', "T1059.001"),
    ("annotations.mitre_atlas.mitre_technique_id", "AML.T0043.000", ""),
    # add-ons that follow the CIM
    ("mitre_technique_id", "T1059.001", "T1059.001"),
    ("mitre_technique_id", " t1059.001 ", "T1059.001"),
    ("mitre_technique_id", "T1059.001, T1078.004", "T1059.001 T1078.004"),
    ("mitre_technique", "T1059.001 - PowerShell", "T1059.001"),
    ("mitre_technique", "powershell ", "powershell"),
    ("mitre_techniques", "T1059.001|T1078.004", "T1059.001 T1078.004"),
    ("mitre_techniques", ["T1059.001: PowerShell", "T1078.004"], "T1059.001 T1078.004"),
    ("mitre_attack_id", "attack-pattern/T1059.001", "T1059.001"),
    ("mitre_id", "T1059.001", "T1059.001"),
    ("technique_id", "T1059/001", "T1059.001"),
    ("technique", "PowerShell (T1059.001)", "T1059.001"),
    ("technique", "https://attack.mitre.org/techniques/T1059/001/", "T1059.001"),
    # products
    ("RuleName", "technique_id=T1059.001,technique_name=PowerShell", "T1059.001"),
    ("rule.mitre.id{}", ["T1059.001", "T1078.004"], "T1059.001 T1078.004"),
    ("rule.mitre.id", '["T1059.001"]', "T1059.001"),
    ("event.Technique", "PowerShell", "PowerShell"),
    ("event.Techniques", ["PowerShell", "T1078.004"], "PowerShell T1078.004"),
    ("mitre_attack{}.technique_id", ["CST0002", "T1059.001"], "T1059.001"),
    ("behaviors{}.technique_id", ["T1059.001", "CST0002"], "T1059.001"),
    ("mitreTechniques{}", "T1086", "T1086"),
    ("mitreTechniques{}", ["T1086", "T1078.004"], "T1086 T1078.004"),
    ("AttackTechniques", '["PowerShell (T1059.001)"]', "T1059.001"),
    (
        "properties.AdditionalFields.AttackTechniques",
        '["Cloud Accounts (T1078.004)"]',
        "T1078.004",
    ),
    ("Techniques", '["T1059.001","T1078.004"]', "T1059.001 T1078.004"),
    ("Techniques", "['T1059.001']", "T1059.001"),
    ("kibana.alert.rule.threat.technique.id", "T1059", "T1059"),
    ("kibana.alert.rule.threat.technique.subtechnique.id", "T1059.001", "T1059.001"),
    ("signal.rule.threat.technique.id", ["T1059", "T1078"], "T1059 T1078"),
    ("threat.technique.id", "T1059", "T1059"),
    ("threat.technique.subtechnique.id", "T1059.001", "T1059.001"),
    ("alert.metadata.mitre_technique_id{}", ["T1059_001", "T1078_004"], "T1059.001 T1078.004"),
    (
        "mitre_technique_id_and_name{}",
        "T1059.001 - Command and Scripting Interpreter: PowerShell",
        "T1059.001",
    ),
    ("finding_info.attacks{}.technique.uid", "T1059", "T1059"),
    ("finding_info.attacks{}.sub_technique.uid", "T1059.001", "T1059.001"),
    ("attacks{}.technique.uid", ["T1059", "T1078"], "T1059 T1078"),
    ("tags", "attack.t1059.001", "T1059.001"),
    ("tags{}", ["attack.t1059.001"], "T1059.001"),
    ("techniques", ["T1059.001"], "T1059.001"),
    ("MITRE Techniques", "T1059.001", "T1059.001"),
    ("properties.AttackTechniques", '["PowerShell (T1059.001)"]', "T1059.001"),
    ("event.MitreAttack{}.TechniqueID", ["T1059.001"], "T1059.001"),
    ("kibana.alert.rule.threat{}.technique{}.id", "T1059.001", "T1059.001"),
    ("tags", ["attack.execution", "attack.t1059_001", "attack.t1078.004"], "T1059.001 T1078.004"),
    ("rule.tags", "ATTACK.T1059.001, attack.t1078.004", "T1059.001 T1078.004"),
]
"""Where products keep their techniques, how they write them, and which of them are explained: the
table of splunk.md."""

JUNK: list[Event] = [
    {},
    {"technique_id": ""},
    {"technique_id": " "},
    {"technique_id": ["", ""]},
    {"technique_id": "-"},
    {"technique_id": ","},
    {"technique_id": "TA0002"},
    {"annotations.mitre_attack": ["TA0002", "Execution", "execution"]},
    {"mitre_attack{}.technique_id": ["CST0002", "CST0012"]},
    {"technique": "Unknown"},
    {"technique_id": "10590"},
    {"technique_id": "T105 T10590 XT1059 T1059x"},
    {"technique_id": "T\u0661\u0660\u0665\u0669"},  # digits of another script
    {"annotations": '{"mitre_attack": [null, null]}'},
    {"annotations": "[" * 100_000},
    {"annotations": "{braces} {0} {"},
    {"technique_id": "\0"},
]


PARALLEL = [name for name in OUTPUT_FULL[2:] if name not in OUTPUT_OF_ALERT]


class TestWhereTechniquesAreFound:
    """One search has all the fields and forms, for a process costs more than an alert."""

    def test_every_field_is_tried(self) -> None:
        assert {field for field, _, _ in FORMS} == set(TECHNIQUE_FIELDS)

    def test_ids_and_names_in_every_form(self, known: FakeSplunkd) -> None:
        events: list[Event] = [{field: value} for field, value, _ in FORMS]
        result = known.search("| lofpenrich output=full max=50", events)
        assert result.messages == []
        for (field, value, expected), answer in zip(FORMS, result.events):
            found = set(values(answer, "lofp_technique_in"))
            assert found == set(expected.split()), (field, value)
            # ATLAS is understood, and nothing is known of it.
            assert answer["lofp_status"] == ("matched" if expected else "no_match")

    def test_what_is_no_technique_is_said_to_be_none(self, known: FakeSplunkd) -> None:
        result = known.search("| lofpenrich", [*JUNK, {"technique_id": "T9999"}])
        assert result.messages == []
        assert statuses(result) == [*["no_technique"] * len(JUNK), "no_match"]
        assert {str(event["lofp_count"]) for event in result.events} == {"0"}

    def test_thousands_of_ids_and_a_megabyte_of_text(self, known: FakeSplunkd) -> None:
        events: list[Event] = [
            {"technique_id": ["T1059.001", *(f"T{number}" for number in range(2000, 7000))]},
            {"technique_id": " ".join(f"T{number}" for number in range(1000, 6000))},
            {"technique_id": "T1059.001 " + "x" * 1_000_000},
            {"technique_id": "x" * 1_000_000},
            {"technique_id": "attack.t1059.001" * 60_000},
            {"technique": ["Power Shell, "] * 5_000},
            {"annotations": '{"a":' * 200_000},
        ]
        result = known.search("| lofpenrich max=1", events, chunk_rows=3)
        assert result.messages == []
        assert without_output(result.events) == events
        found = statuses(result)
        assert found[0] == found[2] == "matched"
        assert found[3] == found[5] == found[6] == "no_technique"

    def test_named_fields_replace_the_known_ones(self, known: FakeSplunkd) -> None:
        events: list[Event] = [
            {"MITRE Techniques": "T1059.001", "technique_id": "T1566.002"},
            {"rule.mitre.id{}": ["T1059.001"]},
            {"technique_id": "T1059.001"},
            {"Té\"c'h": "T1059.001"},
        ]
        search = (
            "| lofpenrich output=full max=50 "
            'technique_field="MITRE Techniques, rule.mitre.id{},Té\\"c\'h"'
        )
        result = known.search(search, events)
        assert result.messages == []
        assert statuses(result) == ["matched", "matched", "no_technique", "matched"]
        assert set(values(result.events[0], "lofp_technique_in")) == {"T1059.001"}


AFFIXES = (
    "{}",
    "ESCU - {} - Rule",
    "Endpoint - {} - Rule",
    "Threat - {} - Rule",
    "ACME-SOC - {} - Rule",
    "[Custom] {}",
    "[Custom] Access - {} - Rule",
    "Endpoint - {} - Combined - Rule",
    "RIR - {} - Combined - Rule",
    "{} - Rule",
    "  ESCU -  {}  -  Rule ",
    "escu - {} - rule",
)


class TestRuleNames:
    def test_under_every_affix_the_rules_own_statements_come_first(
        self, known: FakeSplunkd
    ) -> None:
        # The context speaks for statements of other rules under the same techniques.
        context: Event = {
            "technique_id": ["T1059.001", "T1059", "T1685"],
            "process": "powershell.exe -EncodedCommand agent deployment software",
        }
        cases = [
            (title, form.format(name), stated)
            for title, stated in ((HIVE, 6), (SPOOLER, 1), (KEY, 1))
            for form in AFFIXES
            for name in (title, title.upper())
        ]
        events = [{**context, "search_name": name} for _, name, _ in cases]
        result = known.search("| lofpenrich max=50", events)
        assert result.messages == []
        for (title, name, stated), answer in zip(cases, result.events):
            matches = values(answer, "lofp_match")
            assert matches.count("rule") == stated, name
            assert matches[:stated] == ["rule"] * stated
            rules = values(answer, "lofp_rule")
            assert [rule.startswith(title) for rule in rules] == [
                at < stated for at in range(len(rules))
            ]

    def test_in_every_field(self, known: FakeSplunkd) -> None:
        events: list[Event] = [{field: SPOOLER} for field in RULE_FIELDS]
        events += [{"source": [f"Access - {SPOOLER} - Rule", "other"]}, {"rule_name": "No such"}]
        result = known.search("| lofpenrich", events)
        answers = [values(event, "lofp_match") for event in result.events]
        assert answers == [["rule"]] * (len(RULE_FIELDS) + 1) + [[]]
        # A rule without a technique is found by its name alone.
        assert statuses(result)[:-1] == ["matched"] * (len(RULE_FIELDS) + 1)

    def test_named_fields_replace_the_known_ones(self, known: FakeSplunkd) -> None:
        events: list[Event] = [{"the rule{}": SPOOLER, "source": HIVE}, {"search_name": SPOOLER}]
        result = known.search('| lofpenrich rule_field="the rule{}"', events)
        assert [len(values(event, "lofp_match")) for event in result.events] == [1, 0]


class TestVersionsOfAttack:
    def test_old_and_new_ids_give_the_same_entries(self, known: FakeSplunkd) -> None:
        events: list[Event] = [
            {"mitreTechniques{}": "T1089"},  # Defender
            {"kibana.alert.rule.threat.technique.subtechnique.id": "T1562.001"},  # Elastic
            {"tags": "attack.t1685"},  # Sigma
            {"technique": "Disable or Modify Tools"},
            {"technique": "Disabling Security Tools"},
        ]
        result = known.search("| lofpenrich output=full max=50", events)
        first = result.events[0]
        assert first["lofp_count"] == "7"
        for event in result.events:
            for name in ("entry_id", "statement", "score", "rule", "technique", "match", "count"):
                assert event[f"lofp_{name}"] == first[f"lofp_{name}"]
        assert set(values(first, "lofp_technique")) == {"T1685"}
        assert [set(values(event, "lofp_technique_in")) for event in result.events] == [
            {"T1089"},
            {"T1562.001"},
            {"T1685"},
            {"Disable or Modify Tools"},
            {"Disabling Security Tools"},
        ]

    def test_parents_and_children(self, known: FakeSplunkd) -> None:
        events: list[Event] = [
            {"technique_id": "T1059.001"},
            {"technique_id": "T1059"},
            {"technique_id": "T1059.007"},
        ]
        result = known.search("| lofpenrich max=50 kind=benign source=entries", events)
        found = [
            {(match, values(event, "lofp_statement")[at][:14]) for at, match in matches}
            for event in result.events
            for matches in [list(enumerate(values(event, "lofp_match")))]
        ]
        agent, drill, scan, login = AGENT[:14], DRILL[:14], "A vulnerability"[:14], "Login scripts "
        assert found[0] == {("technique", agent), ("parent", drill), ("parent", scan)}
        assert found[1] == {
            ("child", agent),
            ("child", login),
            ("technique", drill),
            ("technique", scan),
        }
        assert found[2] == {("parent", drill), ("parent", scan)}
        exact = known.search("| lofpenrich max=50 match=exact source=entries", events)
        assert [set(values(event, "lofp_match")) for event in exact.events] == [
            {"technique"},
            {"technique"},
            set(),
        ]
        assert [event["lofp_count"] for event in exact.events] == ["1", "2", "0"]


FAULT = """

def _fault(self, values):
    raise ValueError({message})

Enricher.answer = _fault
"""


class TestFaultsOfSplunklib:
    """Each of these would end the search or lose what it says, were splunklib left to itself."""

    def test_braces_in_text_are_text(self, known: FakeSplunkd) -> None:
        event: Event = {
            "search_name": "Scanner Service Stopped",
            "technique_id": "T1685 {0} {",
            "process": "{x} {} {{",
        }
        result = known.search("| lofpenrich max=50", [event])
        assert result.messages == []
        assert BRACES in values(result.events[0], "lofp_statement")

    def test_braces_in_messages_are_shown(self, changed: Changed, known: FakeSplunkd) -> None:
        row = {"statement": "x", "expires": "{soon} {0} {", "rule": "x"}
        result = changed({"lookups/lofp_local.csv": local_csv(row)}).search("| lofpenrich", [{}])
        (level, text) = result.messages[0]
        assert level == "WARN"
        assert "lofp_local.csv:2: expires: {soon} {0} {" in text
        refused = known.search('| lofpenrich max="{x} {0} {"')
        assert 'max="{x} {0} {" is not possible' in refused.errors[0]

    @pytest.mark.parametrize("message", ['"{x} {0} {"', r'"\ud800 {"'])
    def test_whatever_goes_wrong_costs_no_event(
        self, changed: Changed, known_app: Path, message: str
    ) -> None:
        name = "bin/lib/lofp_enrich/search/answer/enrich.py"
        code = (known_app / name).read_text(encoding="utf-8") + FAULT.format(message=message)
        events: list[Event] = [{"n": "1"}, {"n": "2", "technique_id": "T1059"}, {"n": "3"}]
        result = changed({name: code.encode()}).search("| lofpenrich", events, chunk_rows=1)
        assert without_output(result.events) == events
        assert statuses(result) == ["error"] * 3
        # Told once, though every chunk has the fault.
        ((level, text),) = result.messages
        assert level == "WARN"
        assert "an alert could not be enriched: ValueError: " in text
        assert "{" in text
        assert text.encode(), "half a surrogate pair is no text that splunkd could show"

    def test_half_a_surrogate_pair(self, changed: Changed, known_app: Path) -> None:
        data = (known_app / "lookups" / "lofp_entries.csv").read_bytes()
        lookups = {
            "lookups/lofp_entries.csv": data.replace(AGENT.encode(), b"half \xed\xa0\x80 of it"),
            "lookups/lofp_local.csv": local_csv(
                {"statement": "own XX", "technique": "T1059.001"}
            ).replace(b"XX", b"\xed\xa0\x80"),
        }
        events: list[Event] = [
            {"technique_id": "T1059.001", "annotations": '{"x": ["\\ud800"]}'},
            {"technique_id": "T1059.001", "process": "\udced\udca0\udc80"},
        ]
        result = changed(lookups).search("| lofpenrich max=50 min_score=0", events)
        assert result.messages == []
        for event in result.events:
            found = values(event, "lofp_statement")
            assert any(each.startswith("half ") for each in found)
            assert found[0].startswith("own ")

    def test_a_missing_part_is_a_dash_and_never_none(self, known: FakeSplunkd) -> None:
        events: list[Event] = [{"technique_id": "T1003.002"}, {"technique_id": "T1059"}]
        result = known.search("| lofpenrich output=full max=50", events)
        for event in result.events:
            lists = [values(event, f"lofp_{name}") for name in PARALLEL]
            assert {len(each) for each in lists} == {int(str(event["lofp_count"]))}
            assert not {"None", "", "[]"} & {value for each in lists for value in each}
            assert "-" in values(event, "lofp_url")
        assert set(values(result.events[0], "lofp_check")) == {"-"}

    @pytest.mark.parametrize("narrow", ["t", "f"])
    def test_the_first_event_decides_no_columns(self, known: FakeSplunkd, narrow: str) -> None:
        events: list[Event] = [{"n": "1"}, {"n": "2", "technique_id": "T1059.001", "late": "x"}]
        for search in ("| lofpenrich output=full", "| lofpenrich expand=t output=full max=1"):
            result = known.search(f"{search} narrow={narrow}", events)
            assert result.events[0] == {"n": "1", "lofp_status": "no_technique", "lofp_count": "0"}
            assert set(result.events[1]) == {
                "n",
                "technique_id",
                "late",
                *(f"lofp_{name}" for name in OUTPUT_FULL),
            }

    def test_a_cell_over_10_mb(self, changed: Changed) -> None:
        long = "x " * (5 * 1024 * 1024 + 1)
        own = {"statement": "long", "technique": "T1685", "reason": long}
        events: list[Event] = [
            {"n": "1", "process": long},
            {"n": "2", "technique_id": f"T1685 {long}"},
            {"n": "3", "unread": long, "technique_id": "T1685"},
        ]
        splunkd = changed({"lookups/lofp_local.csv": local_csv(own)})
        result = splunkd.search("| lofpenrich narrow=f", events)
        assert result.messages == []
        assert without_output(result.events) == events
        assert statuses(result) == ["no_technique", "matched", "matched"]
        assert values(result.events[1], "lofp_statement")[0] == "long"

    def test_field_names_that_splunklib_refuses(self, known: FakeSplunkd) -> None:
        names = ["rule.mitre.id{}", "MITRE Techniques", "1st", "ünï"]
        events: list[Event] = [{name: "T1059.001"} for name in names]
        text = ",".join(names)
        result = known.search(
            f'| lofpenrich technique_field="{text}" rule_field="{text}" context_fields="{text}"',
            events,
        )
        assert result.messages == []
        assert statuses(result) == ["matched"] * len(names)

    def test_it_says_itself_where_it_runs(self, known: FakeSplunkd) -> None:
        assert known.search("| lofpenrich").info["type"] == "stateful"
        assert known.search("| lofpenrich distributed=t").info["type"] == "streaming"


ENTRIES_HEADER = b"entry_id,statement,kind"


def header_only(data: bytes) -> bytes:
    return data[: data.index(b"\n") + 1]


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda data: None,
    "empty": lambda data: b"",
    "other columns": lambda data: b"a,b,c\n1,2,3\n",
    "no header": lambda data: data[len(header_only(data)) :],
    "semicolons": lambda data: data.replace(b",", b";"),
    "noise": lambda data: bytes(range(256)) * 64,
    "gzip": lambda data: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + data[:100],
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "old Mac's line ends": lambda data: data.replace(b"\n", b"\r"),
}
READ = ("lofp_attack.csv", "lofp_entries.csv", "lofp_ranking.csv", "lofp_rules.csv")
"""Lookup files without which nothing can be explained."""


class TestLookupFiles:
    @pytest.mark.parametrize(
        ("name", "damage"),
        [
            ("lofp_attack.csv", "missing"),
            ("lofp_attack.csv", "noise"),
            ("lofp_entries.csv", "other columns"),
            ("lofp_entries.csv", "old Mac's line ends"),
            ("lofp_rules.csv", "empty"),
        ],
    )
    def test_one_sentence_names_a_file_that_cannot_be_used(
        self, changed: Changed, known_app: Path, name: str, damage: str
    ) -> None:
        data = (known_app / "lookups" / name).read_bytes()
        splunkd = changed({f"lookups/{name}": DAMAGE[damage](data)})
        events: list[Event] = [{"n": str(n), "technique_id": "T1059.001"} for n in range(3)]
        result = splunkd.search("| lofpenrich output=full", events, chunk_rows=1)
        assert without_output(result.events) == events
        assert statuses(result) == ["no_catalogue"] * 3
        ((level, text),) = result.messages
        assert level == "ERROR"
        assert name in text
        assert text.count("\n") == 0
        assert "run lofp-enrich build" in text

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_every_file_and_every_damage_is_told(
        self, known_app: Path, tmp_path: Path, damage: str
    ) -> None:
        """As above for all of them, without a process each."""
        for name in READ:
            if (name, damage) == ("lofp_attack.csv", "old Mac's line ends"):
                continue  # this one is read as a whole, and csv knows such line ends
            folder = tmp_path / name
            shutil.copytree(known_app / "lookups", folder)
            data = DAMAGE[damage]((folder / name).read_bytes())
            (folder / name).unlink()
            if data is not None:
                (folder / name).write_bytes(data)
            with pytest.raises(Exception, match="run lofp-enrich build") as error:
                LookupIndex.load(folder)
            assert type(error.value).__name__ == "SearchError"
            assert str(error.value).startswith(name)

    def test_damaged_rows_are_passed_over_and_told_once(
        self, changed: Changed, known_app: Path
    ) -> None:
        data = (known_app / "lookups" / "lofp_entries.csv").read_bytes()
        lines = data.split(b"\n")
        at = next(n for n, line in enumerate(lines) if AGENT.encode() in line)
        lines[at] = lines[at][:40]
        splunkd = changed({"lookups/lofp_entries.csv": b"\n".join(lines)})
        events: list[Event] = [{"technique_id": "T1059.001"}, {"technique_id": "T1685"}]
        result = splunkd.search("| lofpenrich max=50", events * 2, chunk_rows=1)
        assert statuses(result) == ["matched"] * 4
        assert AGENT not in values(result.events[0], "lofp_statement")
        ((level, text),) = result.messages
        assert (level, text.startswith("lofpenrich: lofp_entries.csv has rows")) == ("WARN", True)

    def test_a_file_saved_by_an_editor_is_the_same_file(
        self, changed: Changed, known: FakeSplunkd, known_app: Path
    ) -> None:
        files: dict[str, bytes | None] = {}
        for path in (known_app / "lookups").glob("*.csv"):
            saved = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
            files[f"lookups/{path.name}"] = saved
        events: list[Event] = [{"technique_id": "T1059.001"}, {"search_name": HIVE}]
        expected = known.search("| lofpenrich output=full max=50", events)
        result = changed(files).search("| lofpenrich output=full max=50", events)
        assert (result.messages, result.events) == ([], expected.events)

    def test_without_own_explanations_nothing_is_amiss(self, changed: Changed) -> None:
        result = changed({"lookups/lofp_local.csv.default": None}).search(
            "| lofpenrich", [{"technique_id": "T1059.001"}]
        )
        assert (result.messages, statuses(result)) == ([], ["matched"])


BLANK: list[Event] = [{"n": "1", "severity": "high"}, {"n": "2", "host": "a", "x": "y"}]
SAYS_SOMETHING: dict[str, Event] = {
    "technique": {"technique_id": "T9999"},
    "rule": {"search_name": "A Rule That Nobody Knows"},
    "title": {"title": "A Thing That Nobody Knows"},
    "process": {"process_name": "cmd.exe"},
    "command line": {"CommandLine": "x /y"},
    "operation": {"eventName": "DeleteTrail"},
    "_raw": {"_raw": "a line that says nothing"},
}


class TestNothingCouldBeRead:
    @pytest.mark.parametrize(
        "chunks",
        [
            {},
            {"chunk_rows": 1},
            {"chunk_rows": 1, "trailing_empty": True},
            {"trailing_empty": True, "empty_chunks": "nothing"},
        ],
        ids=str,
    )
    def test_is_said_once_with_what_to_type(
        self, known: FakeSplunkd, chunks: dict[str, Any]
    ) -> None:
        result = known.search("| lofpenrich", BLANK, **chunks)
        assert statuses(result) == ["no_technique"] * 2
        ((level, text),) = result.messages
        assert level == "WARN"
        assert text.startswith("lofpenrich: nothing could be read of these events: ")
        assert "add narrow=f, or name the field of the techniques with technique_field=." in text

    @pytest.mark.parametrize("what", SAYS_SOMETHING)
    def test_one_event_that_says_something_is_enough(self, known: FakeSplunkd, what: str) -> None:
        for events in ([*BLANK, SAYS_SOMETHING[what]], [SAYS_SOMETHING[what], *BLANK]):
            assert known.search("| lofpenrich", events, chunk_rows=1).messages == []

    def test_raw_is_read_though_an_event_like_it_came_without(self, known: FakeSplunkd) -> None:
        events: list[Event] = [{"n": "1"}, {"n": "2", "_raw": '{"technique_id": "T1059.001"}'}]
        result = known.search("| lofpenrich", events)
        assert (statuses(result), result.messages) == (["no_technique", "matched"], [])

    @pytest.mark.parametrize("arguments", ["narrow=f", "expand=t"])
    def test_not_where_all_fields_came(self, known: FakeSplunkd, arguments: str) -> None:
        assert known.search(f"| lofpenrich {arguments}", BLANK).messages == []

    @pytest.mark.parametrize("empty_chunks", ["nothing", "header"])
    def test_not_for_a_search_of_no_events(self, known: FakeSplunkd, empty_chunks: str) -> None:
        for chunks in ({"trailing_empty": True}, {"chunk_rows": [0, 0]}):
            result = known.search("| lofpenrich", [], empty_chunks=empty_chunks, **chunks)
            assert (result.messages, result.events) == ([], [])

    def test_the_fields_that_are_not_asked_for_would_have_said_it(self, known: FakeSplunkd) -> None:
        """What the sentence tells to type does help."""
        events: list[Event] = [{"edr.finding.TechniqueId": "T1059.001"}]
        (said,) = known.search("| lofpenrich", events).messages
        assert "narrow=f" in said[1]
        assert statuses(known.search("| lofpenrich narrow=f", events)) == ["matched"]
        named = known.search("| lofpenrich technique_field=edr.finding.TechniqueId", events)
        assert (named.messages, statuses(named)) == ([], ["matched"])


REFUSED = {
    "colour=blue": "colour is no option of lofpenrich; it knows technique_field, rule_field,",
    "T1059": '"T1059" is no option; did you mean technique_field=T1059?',
    "logging_level=DEBUG": "logging_level is no option",
    "max=0": 'max="0" is not possible: give a whole number from 1 to 50.',
    "kind=harmless": "give benign, generic, advice, actor, or several with commas between them.",
    "evidence=good": "give fits, resembles, open, contradicts, or "
    "several with commas between them.",
    "technique_field=lofp_technique": 'technique_field="lofp_technique" is not possible: what ',
    'context_fields="x_a,b" prefix=x_': "set another prefix.",
    'technique_field="mitre*"': 'technique_field="mitre*" is not possible',
}


class TestOptions:
    @pytest.mark.parametrize("arguments", REFUSED)
    def test_what_is_not_possible_gets_one_sentence(
        self, known: FakeSplunkd, arguments: str
    ) -> None:
        result = known.search(f"| lofpenrich {arguments}", [{"n": "1"}])
        assert result.errors[0].startswith("lofpenrich: ")
        assert REFUSED[arguments] in result.errors[0]
        assert result.errors[0].count("\n") == 0
        # Beside splunkd's own about the exit code, nothing.
        assert len(result.errors) == 2

    def test_all_of_them_together(self, known: FakeSplunkd) -> None:
        event: Event = {
            "ids": "T1059.001",
            "name": HIVE,
            "what": "powershell encoded",
            "other": "x",
        }
        search = (
            "| lofpenrich technique_field=ids rule_field=name context_fields=what,other "
            "source=entries,sigma product=windows kind=benign,generic match=technique output=full "
            "max=2 min_score=10 prefix=why_ expand=t narrow=f distributed=t"
        )
        result = known.search(search, [event])
        assert result.messages == []
        assert len(result.events) == 2
        assert result.events[0]["why_statement"] == AGENT
        assert not [name for each in result.events for name in each if name.startswith("lofp_")]


BROUGHT: Event = {
    "n": "1",
    "lofp_check": "Close it.",
    "lofp_url": ["javascript:1", "x"],
    "lofp_statement": "Harmless.",
    "lofp_technique": "T1059.001",
    "lofpother": "stays",
}
"""An alert whose sender knows what the command writes."""


class TestFieldsOfOurPrefix:
    @pytest.mark.parametrize("output", ["brief", "full"])
    @pytest.mark.parametrize("narrow", ["t", "f"])
    def test_never_pass_through_beside_ours(
        self, known: FakeSplunkd, output: str, narrow: str
    ) -> None:
        events: list[Event] = [BROUGHT, {"n": "2", "technique_id": "T1059.001"}, BROUGHT]
        result = known.search(f"| lofpenrich output={output} narrow={narrow}", events)
        empty = {"n": "1", "lofpother": "stays", "lofp_status": "no_technique", "lofp_count": "0"}
        assert [result.events[0], result.events[2]] == [empty, empty]
        assert statuses(result)[1] == "matched"

    def test_whatever_the_prefix(self, known: FakeSplunkd) -> None:
        events: list[Event] = [{**BROUGHT, "why_check": "x", "why_not": "y"}]
        for narrow in "tf":
            result = known.search(f"| lofpenrich prefix=why_ narrow={narrow}", events)
            (found,) = result.events
            assert {n: value for n, value in found.items() if n[:4] != "why_"} == BROUGHT
            assert "why_check" not in found
            # A name that the command never writes is not asked for; the README says so.
            assert ("why_not" in found) is (narrow == "t")

    def test_with_several_events_for_one(self, known: FakeSplunkd) -> None:
        event = {**BROUGHT, "technique_id": "T1059.001", "lofp_new": "x"}
        for found in known.search("| lofpenrich expand=t max=2", [event]).events:
            assert not {"lofp_check", "lofp_url", "lofp_new", "lofp_technique"} & set(found)

    def test_without_a_catalogue(self, changed: Changed) -> None:
        splunkd = changed({"lookups/lofp_rules.csv": b""})
        (found,) = splunkd.search("| lofpenrich", [BROUGHT]).events
        assert sorted(found) == ["lofp_count", "lofp_status", "lofpother", "n"]


NAMED = {
    "source=sigmaa": 'source names "sigmaa", which nothing in the catalogue has; give sigma, ',
    "source=local,deployed,sigma": "",
    "product=windowx": 'product names "windowx", which nothing in the catalogue has; give windows',
    "product=windows": "",
    'technique_field="nosuch,technique_id"': 'technique_field names "nosuch", which no alert had; ',
    "technique_field=technique_id": "",
    "rule_field=search_name": "",
    "rule_field=no.such": 'rule_field names "no.such", which no alert had; give the field as ',
    "context_fields=about": "",
    'context_fields="{0} {"': 'context_fields names "{0} {", which no alert had; give the field ',
}


class TestNamesThatNothingHas:
    EVENTS: tuple[Event, ...] = (
        {"technique_id": "T1059.001", "about": ""},
        {"search_name": HIVE},
        {"technique_id": "T1059.001", "about": ["", "x"]},
        {"nosuch": ""},
    )

    @pytest.mark.parametrize("narrow", ["", " narrow=f"])
    @pytest.mark.parametrize("arguments", NAMED)
    def test_are_said_once(self, known: FakeSplunkd, arguments: str, narrow: str) -> None:
        result = known.search(f"| lofpenrich {arguments}{narrow}", [*self.EVENTS], chunk_rows=1)
        assert len(result.events) == len(self.EVENTS)
        said = NAMED[arguments]
        assert len(result.messages) == bool(said)
        for level, text in result.messages:
            assert (level, text.count("\n")) == ("WARN", 0)
            assert text.startswith(f"lofpenrich: {said}")

    def test_no_field_is_missed_where_there_are_no_events(self, known: FakeSplunkd) -> None:
        result = known.search("| lofpenrich technique_field=nosuch", [], trailing_empty=True)
        assert (result.messages, result.events) == ([], [])


OWN: list[dict[str, str]] = [
    {"statement": "exact", "technique": "T1059.001", "owner": "Ada", "reason": "ask Ada"},
    {"statement": "lower", "technique": "t1078.004"},
    {"statement": "wild technique", "technique": "T1098.*"},
    {"statement": "old id", "technique": "T1089"},
    {"statement": "rule by title", "rule": SPOOLER},
    {"statement": "rule by any part", "rule": "*SPOOLER*log*"},
    {"statement": "the value", "field": "user", "value": "svc-backup"},
    {"statement": "both ends", "field": "process", "value": "*\\BackupAgent.exe*"},
    {"statement": 'commas, and "quotes"', "field": "title", "value": '*a, "b"*'},
    {"statement": "a and b", "technique": "T1685", "field": "user", "value": "svc-*"},
    {"statement": "has a user", "technique": "T1021", "field": "user", "value": "*"},
    {"statement": "expired", "expires": "2020-01-31"},
    {"statement": "off", "enabled": "false"},
    {"statement": "Zero", "enabled": "0"},
    {"statement": "not yet", "technique": "T1012", "expires": "2999-12-31", "enabled": "TRUE"},
    {"statement": "faulty", "expires": "next week"},
    {"statement": "", "technique": "T1059"},
    {},
]
OWN_EVENTS: list[tuple[Event, list[str]]] = [
    ({"technique_id": "T1059.001"}, ["exact"]),
    ({"technique_id": "T1059"}, []),
    ({"technique_id": "T1086"}, ["exact"]),
    ({"technique_id": ["T1078.004", "T1059.001"]}, ["exact", "lower"]),
    ({"technique_id": "T1098.001"}, ["wild technique"]),
    ({"technique_id": "T1562.001"}, ["old id"]),
    ({"technique_id": "T1685", "user": "SVC-x"}, ["old id", "a and b"]),
    ({"technique_id": "T1685", "user": ["x", "svc-x"]}, ["old id", "a and b"]),
    ({"search_name": f"ESCU - {SPOOLER} - Rule"}, ["rule by title", "rule by any part"]),
    ({"search_name": "New spooler and log"}, ["rule by any part"]),
    ({"user": "SVC-Backup"}, ["the value"]),
    ({"user": "svc-backup2"}, []),
    ({"process": "C:\\x\\backupagent.EXE -q"}, ["both ends"]),
    ({"process": "backupagent.exe"}, []),
    ({"title": 'see: A, "B" and c'}, ['commas, and "quotes"']),
    ({"technique_id": "T1021"}, []),
    ({"technique_id": "T1021", "user": "anybody"}, ["has a user"]),
    ({"technique_id": "T1012"}, ["not yet"]),
    ({"n": "1"}, []),
]


class TestOwnExplanations:
    def test_they_come_first_where_all_their_cells_fit(self, changed: Changed) -> None:
        splunkd = changed({"lookups/lofp_local.csv": local_csv(*OWN)})
        events = [event for event, _ in OWN_EVENTS]
        for narrow in "tf":
            result = splunkd.search(
                f"| lofpenrich max=50 output=full narrow={narrow}", events, chunk_rows=5
            )
            assert without_output(result.events) == events
            for answer, (event, expected) in zip(result.events, OWN_EVENTS):
                own = values(answer, "lofp_match").count("local")
                assert values(answer, "lofp_statement")[:own] == expected, event
                assert (own > 0) <= (answer["lofp_status"] == "matched")
                assert values(answer, "lofp_score")[:own] == ["100"] * own
            first = result.events[0]
            assert values(first, "lofp_rule")[0] == "own explanation of Ada"
            assert values(first, "lofp_check")[0] == "ask Ada"
            # Each faulty row once, whatever the number of chunks; a blank row is none.
            warnings = [text for level, text in result.messages if level == "WARN"]
            assert warnings == [
                "lofpenrich: lofp_local.csv:17: expires: next week is no date such as 2027-01-31",
                "lofpenrich: lofp_local.csv:18: statement: is empty",
            ]

    def test_an_open_quote_costs_its_row_alone(self, changed: Changed) -> None:
        rows = local_csv({"statement": "good", "technique": "T1059.001"}).splitlines(keepends=True)
        data = rows[0] + b'"open,T1059.001,,,,,,,\n' + rows[1]
        splunkd = changed({"lookups/lofp_local.csv": data})
        events: list[Event] = [{"technique_id": "T1059.001"}, {"n": "1"}]
        result = splunkd.search("| lofpenrich", events, chunk_rows=1)
        assert values(result.events[0], "lofp_statement")[0] == "good"
        assert result.events[1]["lofp_status"] == "no_technique"
        ((level, text),) = result.messages
        assert (level, "lofp_local.csv:2: " in text) == ("WARN", True)

    @pytest.mark.parametrize(
        ("data", "part"),
        [
            (b"a,b\n1,2\n", "lofp_local.csv"),
            (b"statement,techniqe\nx,T1059\n", "techniqe"),
            (bytes(range(256)), "lofp_local.csv"),
        ],
    )
    def test_a_file_that_is_no_such_table_costs_the_own_ones_alone(
        self, changed: Changed, data: bytes, part: str
    ) -> None:
        splunkd = changed({"lookups/lofp_local.csv": data})
        events: list[Event] = [{"technique_id": "T1059.001"}, {"n": "1"}]
        result = splunkd.search("| lofpenrich", events, chunk_rows=1)
        assert statuses(result) == ["matched", "no_technique"]
        assert "local" not in values(result.events[0], "lofp_match")
        ((level, text),) = result.messages
        assert (level, part in text, text.count("\n")) == ("WARN", True, 0)

    def test_on_an_indexer_too(self, changed: Changed, python: Path, tmp_path: Path) -> None:
        own = {"statement": "mine", "field": "whose", "value": "m*"}
        splunkd = changed({"lookups/lofp_local.csv": local_csv(own)})
        events: list[Event] = [{"whose": "mine", "n": "1"}, {"n": "2"}]
        app = sent_to_indexers(splunkd.app, tmp_path / "sent")
        splunkd = FakeSplunkd(app, python, work_dir=tmp_path / "work")
        search = "search index=x | lofpenrich distributed=t"
        result = splunkd.search(search, events, remote=True)
        assert [values(event, "lofp_statement") for event in result.events] == [["mine"], []]


MANY: list[Event] = [
    {"n": "0"},
    {"technique_id": "T1059.001", "process": "powershell.exe -EncodedCommand"},
    {"technique_id": ["T1059.001", "T1078.004", "T1685"], "vendor_product": "Okta"},
    {"search_name": f"ESCU - {HIVE} - Rule", "technique_id": "T1003.002", "process": "reg.exe"},
    {"mitreTechniques{}": "T1089", "CommandLine": "C:\\ScannerSvc\\update.exe drills"},
    {"tags": "attack.t1566.002", "sourcetype": "m365:mail", "message": "drill of the mail team"},
    {"technique": "Cloud Accounts", "wide": "x" * 50, "user": ["a", "b"]},
    {"technique_id": "T1098.001", "source": KEY},
    {"technique_id": "T9999"},
]


class TestSameEverywhere:
    @pytest.mark.parametrize(
        "arguments",
        ["", "output=full max=50", "kind=benign min_score=30 product=windows prefix=x_"],
    )
    def test_in_chunks_narrow_on_an_indexer_and_in_this_process(
        self, known: FakeSplunkd, known_app: Path, arguments: str, tmp_path: Path
    ) -> None:
        """All Pythons give what this one gives, so all give the same."""
        options = parse(options_in(f"| lofpenrich {arguments}"))
        index = LookupIndex.load(known_app / "lookups")
        enricher = Enricher(index, LocalRows(), options)
        expected: list[Event] = []
        for event in MANY:
            read = {
                name: (value,) if isinstance(value, str) else tuple(value)
                for name, value in event.items()
            }
            (output,) = enricher.outputs(read)
            expected.append({**canonical(event), **canonical(output)})
        search = f"search index=x | lofpenrich {arguments}"
        assert known.search(search, MANY).events == expected
        assert known.search(f"{search} narrow=f", MANY, chunk_rows=2).events == expected
        app = sent_to_indexers(known_app, tmp_path / "sent")
        there = FakeSplunkd(app, known.python, work_dir=tmp_path / "there")
        remote = there.search(f"{search} distributed=t", MANY, chunk_rows=1, remote=True)
        assert remote.events == expected
        assert remote.messages == []

    def test_brief_is_the_beginning_of_full(self, known: FakeSplunkd) -> None:
        brief = known.search("| lofpenrich", MANY).events
        full = known.search("| lofpenrich output=full", MANY).events
        names = {f"lofp_{name}" for name in OUTPUT_FULL if name not in OUTPUT_BRIEF}
        assert brief == [
            {name: value for name, value in event.items() if name not in names} for event in full
        ]


def test_the_known_rules_are_what_these_tests_take_them_for(known_app: Path) -> None:
    with (known_app / "lookups" / "lofp_rules.csv").open(encoding="utf-8", newline="") as file:
        titles = {row["rule_title"] for row in csv.DictReader(file)}
    assert {HIVE, SPOOLER, KEY} <= titles
    assert date.fromisoformat("2020-01-31") < date.today()
