"""The catalogue as a search reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lofp_enrich.catalogue import lookups
from lofp_enrich.catalogue.merge import merge
from lofp_enrich.model import FalsePositive, Location, Rule
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge import columns
from lofp_enrich.search.knowledge.index import EntryRow, LookupIndex


@pytest.fixture(scope="module")
def index(known_lookups: Path) -> LookupIndex:
    return LookupIndex.load(known_lookups)


def test_an_entry_has_the_columns_of_its_file() -> None:
    assert EntryRow._fields == columns.ENTRIES


def test_entries_of_a_technique_and_its_relatives(index: LookupIndex) -> None:
    shells = {member.entry_id for member in index.family("T1059").members}
    assert shells == {member.entry_id for member in index.family("T1059.003").members}
    assert len(shells) == 10
    for entry_id in shells:
        entry = index.entry(entry_id)
        assert entry
        assert any(each.startswith("T1059") for each in entry.techniques)
    assert index.family("T9999").members == index.family("").members == ()


def test_rules_by_their_folded_titles(index: LookupIndex) -> None:
    (rule,) = index.rules("registry hive copied to a share")
    assert rule.rule_title == "Registry Hive Copied To A Share"
    assert (rule.source, rule.author) == ("sigma", "Ada Test, Grace Test")
    assert len(rule.entry_ids) == 6
    assert all(index.entry(entry_id) for entry_id in rule.entry_ids)
    assert index.rules("no such rule") == index.rules("rule_key") == ()
    # An entry of our own is no rule that could fire.
    assert index.rules("our own") == ()


def test_rules_by_their_ids(index: LookupIndex) -> None:
    (rule,) = index.rules("registry hive copied to a share")
    assert rule.techniques == ("T1003.002", "T1012", "T1059.001")
    assert rule.products == {"windows"}
    assert index.rule_by_id(rule.rule_id) == index.rule_by_id(rule.rule_id.upper()) == (rule,)
    assert index.rule_by_id("") == index.rule_by_id("rule_id") == index.rule_by_id("x") == ()


def test_a_rule_of_techniques_alone(tmp_path: Path, attack: Attack) -> None:
    techniques, fork = ("T1086", "T1003"), FalsePositive("Backup of the mail servers.")
    rules = [
        Rule("sigma", "A-1", "A Shell", Location("x"), techniques),
        Rule("sigma", "A-1", "Its Fork", Location("y"), (), (fork,)),
        Rule("sigma", "a, 2", "With Comma", Location("z"), techniques),
        Rule("splunk", "s", "a shell", Location("z"), techniques),
        Rule("elastic", "e", "Deprecated - A Trap", Location("z"), techniques),
        Rule("elastic", "f", "Deprecated - A Shell", Location("z"), techniques),
    ]
    lookups.write(merge(rules, attack), attack, (), tmp_path)
    index = LookupIndex.load(tmp_path)
    one, other = index.rules("a shell")
    assert (one.source, other.source) == ("sigma", "splunk")
    assert (one.entry_ids, one.techniques) == ((), ("T1003", "T1059.001"))
    assert {rule.rule_title for rule in index.rule_by_id("a-1")} == {"A Shell", "Its Fork"}
    assert len(index.rules("its fork")[0].entry_ids) == 1
    assert index.rule_by_id("a") == index.rule_by_id("a, 2") == ()
    assert len(index.rules("with comma")) == 1
    # A rule is found by the title that it had, unless another has it now.
    assert [rule.rule_id for rule in index.rules("a trap")] == ["e"]
    assert [rule.rule_id for rule in index.rules("deprecated a shell")] == ["f"]


def test_entries_by_their_ids(index: LookupIndex) -> None:
    (rule,) = index.rules("scanner paused by command")
    entries = [index.entry(entry_id) for entry_id in rule.entry_ids]
    assert {entry.rule_count for entry in entries if entry} == {1, 2}
    shared = next(entry for entry in entries if entry and entry.rule_count == 2)
    assert set(shared.sources) == {"elastic", "sigma"}
    assert shared.techniques == ("T1685",)
    assert index.entry("no such id") is index.entry("") is index.entry("entry_id") is None


def test_damaged_rows_are_told_of_once_they_are_met(known_lookups: Path, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    shutil.copytree(known_lookups, folder)
    path = folder / "lofp_rules.csv"
    path.write_bytes(path.read_bytes() + b"damaged,row\n")
    index = LookupIndex.load(folder)
    assert index.damaged == []
    assert index.rules("damaged") == ()
    (sentence,) = index.damaged
    assert sentence.startswith("lofp_rules.csv has rows with too few or too many cells")


@pytest.mark.parametrize("name", ["lofp_attack.csv", "lofp_entries.csv", "lofp_rules.csv"])
def test_a_missing_file_is_named(known_lookups: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "x"
    shutil.copytree(known_lookups, folder)
    (folder / name).unlink()
    with pytest.raises(SearchError, match=f"^{name} cannot be read"):
        LookupIndex.load(folder)
