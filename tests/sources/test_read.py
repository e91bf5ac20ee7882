"""`read`: every source on its own small rules, and what it does with what parsers give it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lofp_enrich.errors import LofpError
from lofp_enrich.sources import SOURCES, read, starter

DATA = Path(__file__).resolve().parent.parent / "data"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_reads_its_own_rules(source: str) -> None:
    reading = read(source, DATA / source, deprecated=True)
    assert reading.source == source
    assert reading.errors == ()
    assert reading.rules
    assert all(rule.source == source for rule in reading.rules)
    assert any(rule.techniques and rule.falsepositives for rule in reading.rules)


COUNTS = {
    # rules, statements, retired, files
    "sigma": (4, 7, 1, 4),
    "elastic": (1, 4, 1, 2),
    "splunk": (3, 2, 1, 4),
    "escu": (2, 2, 1, 2),
    "lofp": (4, 6, 1, 4),
    "lolrmm": (2, 2, 0, 2),
    "entries": (3, 3, 0, 2),
}


@pytest.mark.parametrize("source", SOURCES)
def test_counts(source: str) -> None:
    reading = read(source, DATA / source)
    statements = sum(len(rule.falsepositives) for rule in reading.rules)
    assert (len(reading.rules), statements, reading.left_out, reading.files) == COUNTS[source]


FAULTS = {
    "sigma": ["broken.yml:3: not YAML: mapping values are not allowed in this context"],
    "elastic": ["broken.toml:4: threat: expected a mapping, found text"],
    "splunk": ["broken.yml:4: known_false_positives: expected text, found a mapping"],
    "escu": [
        "savedsearches.conf:3: action.correlationsearch.annotations: not JSON: "
        "Expecting ',' delimiter"
    ],
    "lofp": ["broken.md:1: no rule under `## Sample rules`"],
    "lolrmm": ["broken.yaml:3: Details: expected a mapping, found text"],
    "entries": [
        "lost-cells.csv:3: techniques: missing",
        "lost-cells.csv:4: 3 cells for 2 columns",
        "two-faults.yaml:6: techniques: expected an ATT&CK ID such as T1059.001, "
        "or an ATLAS one such as AML.T0051",
        "two-faults.yaml:7: colour: no such key; the keys are statement, techniques, products, "
        "check, against, software, role, fits, contradicts, examples, seen, checked, terms, "
        "author, license, url",
        "two-faults.yaml:8: terms: expected a list of at most 60 words that such an alert holds",
        "two-faults.yaml:9: statement: missing",
    ],
}


@pytest.mark.parametrize("source", SOURCES)
def test_faults_are_told_and_cost_nothing_else(source: str) -> None:
    reading = read(source, DATA / "faulty" / source)
    assert [str(error) for error in reading.errors] == FAULTS[source]
    assert len(reading.rules) == {"escu": 1, "entries": 2}.get(source, 0)
    assert reading.files == {"entries": 2}.get(source, 1)


def test_rules_come_in_order_of_path_then_line() -> None:
    places = [
        (rule.location.path, rule.location.line) for rule in read("sigma", DATA / "sigma").rules
    ]
    assert places == sorted(places)
    assert len(places) == 4


def test_notes_can_be_left_out() -> None:
    (rule,) = read("elastic", DATA / "elastic", notes=False).rules
    assert len(rule.falsepositives) == 2
    assert not any(statement.note for statement in rule.falsepositives)


@pytest.mark.parametrize("source", SOURCES)
def test_a_folder_of_anybody_has_no_licence_but_the_rules_own(source: str) -> None:
    licenses = {rule.license for rule in read(source, DATA / source).rules}
    assert licenses.isdisjoint({"DRL-1.1", "Elastic-2.0"} if source != "lofp" else set())


@pytest.mark.parametrize(
    ("source", "folder", "url"),
    [
        ("sigma", f"sigma-{COMMIT}", f"https://github.com/SigmaHQ/sigma/blob/{COMMIT}/a%20b/x.yml"),
        (
            "sigma",
            f"SigmaHQ-sigma-{COMMIT}",
            f"https://github.com/SigmaHQ/sigma/blob/{COMMIT}/a%20b/x.yml",
        ),
        ("sigma", f"our-rules-{COMMIT}", ""),
        ("sigma", f"sigma-rules-{COMMIT}", ""),
        ("sigma", "sigma-master", ""),
    ],
)
def test_links(tmp_path: Path, source: str, folder: str, url: str) -> None:
    path = tmp_path / folder / "a b" / "x.yml"
    path.parent.mkdir(parents=True)
    path.write_text("title: T\nid: i\ndetection: {a: b}\n")
    reading = read(source, tmp_path / folder)
    assert [rule.url for rule in reading.rules] == [url]
    assert [rule.license for rule in reading.rules] == ["DRL-1.1" if url else ""]
    assert reading.commit == (COMMIT if folder.endswith(COMMIT) else "")


def test_links_of_a_checkout(tmp_path: Path) -> None:
    shutil.copytree(DATA / "splunk", tmp_path / "rules")
    git = tmp_path / "rules" / ".git"
    git.mkdir()
    (git / "HEAD").write_text(COMMIT)
    (git / "config").write_text('[remote "origin"]\n\turl = git@github.com:our/fork.git\n')
    reading = read("splunk", tmp_path / "rules")
    assert reading.commit == COMMIT
    assert reading.rules[0].url == (
        f"https://github.com/our/fork/blob/{COMMIT}/detections/endpoint/layout_2_tags.yml"
    )


def test_a_link_of_the_rule_itself_stays() -> None:
    assert {rule.url for rule in read("entries", DATA / "entries").rules} == {
        "",
        "https://wiki.example.com/inventory",
    }


def test_an_unknown_source_is_one_sentence() -> None:
    with pytest.raises(LofpError, match="nothing: no such source; the sources are sigma, elastic"):
        read("nothing", DATA)


def test_the_starter_entries_are_ours() -> None:
    reading = starter()
    assert reading.errors == ()
    assert {rule.license for rule in reading.rules} == {"Apache-2.0"}
    assert {rule.author for rule in reading.rules} == {"lofp_enrich"}
    assert all(rule.location.path.startswith("starter/") for rule in reading.rules)
    assert all(rule.techniques and rule.falsepositives[0].check for rule in reading.rules)
    assert len({rule.id for rule in reading.rules}) == len(reading.rules)
