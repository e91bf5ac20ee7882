"""Real rule repositories, read in full. None of their sentences stands here: they lie outside."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import Result

from lofp_enrich.catalogue.kinds import kind_of
from lofp_enrich.catalogue.merge import fold, merge
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.columns import from_cell
from tests.conftest import ATTACK, CORPORA, reading, run

pytestmark = [pytest.mark.corpora, pytest.mark.once]

SEEDS = {"t1566": (37, 37, "T1566"), "t1078.004": (50, 49, "T1078.004")}
"""Tag page -> its titles, how many of them the three corpora still state, and its technique."""
COUNTS: dict[str, dict[str, int]] = {
    # Rules, and rules that the authors retired, as corpora.md counts documents; the three of Sigma
    # that only say what others in their files share (`action: global`) are no rules.
    "sigma": {"rules": 4_044 - 172 - 92, "left_out": 172 + 92 - 3, "unread": 0},
    "elastic": {"rules": 1_940 + 128, "left_out": 124, "unread": 0},
    "splunk": {"rules": 1_711 - 98, "left_out": 98, "unread": 0},
}


KNOWN_RULES = {"sigma": 3_506, "elastic": 2_061, "splunk": 1_605}
"""Live rules with a statement or a technique, which is nearly all of them."""


class Made(NamedTuple):
    """What a build said, and where it wrote."""

    result: Result
    document: dict[str, Any]
    folder: Path

    def counts(self, source: str) -> dict[str, Any]:
        return next(each for each in self.document["sources"] if each["source"] == source)

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return [
                {column: from_cell(cell) for column, cell in row.items()}
                for row in csv.DictReader(file, strict=True)
            ]


def made(folder: Path, *arguments: object) -> Made:
    result = run("build", "--no-starter", "--json", "--out", folder, *arguments)
    return Made(result, json.loads(result.stdout), folder)


@pytest.fixture(scope="module")
def corpora(corpora_build: tuple[Result, Path]) -> Made:
    result, folder = corpora_build
    return Made(result, json.loads(result.stdout), folder)


@pytest.fixture(scope="module")
def pages(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("pages"), f"--source=lofp={shared}/lofp-pages.tar.gz")


@pytest.fixture(scope="module")
def seeds(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("seeds"), f"--source=lofp={shared}/seeds")


@pytest.fixture(scope="module")
def stated(shared: Path) -> frozenset[str]:
    """What the corpora state, folded: the catalogue with retired rules, and what says nothing.

    LoFP has both; four of the titles stand in retired rules only.
    """
    rules = [rule for name in CORPORA for rule in reading(shared, name, True).rules]
    catalogue = merge(rules, Attack.load(ATTACK))
    says_nothing = {
        fold(fp.text)
        for rule in rules
        for fp in rule.falsepositives
        if kind_of(fp.text) == "placeholder"
    }
    return frozenset({fold(entry.statement) for entry in catalogue.entries} | says_nothing)


def titles(shared: Path, tag: str) -> list[str]:
    """The titles of a saved tag page, one a line after its heading; read without our own parser."""
    text = (shared / "seeds" / f"lofp-tag-{tag}.txt").read_text(encoding="utf-8")
    _, _, listed = text.partition("TitleTags\n")
    return [line.strip().replace('\\"', '"') for line in listed.splitlines() if line.strip()]


class TestCorpora:
    @pytest.mark.parametrize("source", CORPORA)
    def test_counts_agree_with_what_was_measured(self, corpora: Made, source: str) -> None:
        counts = corpora.counts(source)
        assert {name: counts[name] for name in COUNTS[source]} == COUNTS[source]
        assert counts["with_technique"] > 0.8 * counts["statements"]
        kinds = ("benign", "generic", "advice", "placeholder")
        assert sum(counts[kind] for kind in kinds) == counts["statements"]

    def test_everything_is_read_and_said_once(self, corpora: Made) -> None:
        assert (corpora.result.exit_code, corpora.result.stderr) == (0, "")
        # Guides are counted apart: 6,164 bullets of live rules, of which some repeat the field.
        assert corpora.counts("elastic")["from_notes"] == pytest.approx(6_164, rel=0.02)
        assert corpora.counts("sigma")["from_notes"] == corpora.counts("splunk")["from_notes"] == 0
        entries = corpora.rows("lofp_entries.csv")
        assert len(entries) == corpora.document["entries"]
        folded = [fold(row["statement"]) for row in entries]
        assert len(set(folded)) == len(folded)
        assert not [row for row in entries if kind_of(row["statement"]) == "placeholder"]

    def test_sub_techniques_of_all_three_are_there(self, corpora: Made) -> None:
        """LoFP reads a key of Elastic's that does not exist, and has none of its 283."""
        for source in CORPORA:
            found = {
                technique
                for row in corpora.rows("lofp_rules.csv")
                if row["source"] == source
                for technique in row["techniques"].split("|")
                if "." in technique
            }
            assert len(found) > 100, source

    def test_a_rule_without_a_statement_is_known_by_its_technique(self, corpora: Made) -> None:
        rows = corpora.rows("lofp_rules.csv")
        assert Counter(row["source"] for row in rows) == KNOWN_RULES
        assert all(row["entry_ids"] or row["techniques"] for row in rows)
        assert sum(not row["entry_ids"] for row in rows) > 2_000

    def test_a_second_build_says_unchanged(self, corpora: Made, shared: Path) -> None:
        archives = [f"--source={name}={shared}/corpora/{name}.tar.gz" for name in CORPORA]
        again = made(corpora.folder, *archives)
        assert set(again.document["files"].values()) == {"unchanged"}

    def test_whose_words_they_are_stands_in_every_row(self, corpora: Made) -> None:
        for row in corpora.rows("lofp_entries.csv"):
            assert row["license"] in {"DRL-1.1", "Elastic-2.0", "Apache-2.0"}
            assert row["url"].startswith("https://github.com/")
        meta = {row["source"]: row for row in corpora.rows("lofp_meta.csv")}
        assert {name: row["commit"][:7] for name, row in meta.items()} == {
            "sigma": "8eaafff",
            "elastic": "14cf530",
            "splunk": "b13b314",
        }

    def test_nothing_of_it_needs_a_spreadsheets_trust(self, corpora: Made) -> None:
        for path in corpora.folder.glob("*.csv"):
            for line in path.read_text(encoding="utf-8").splitlines():
                (cells,) = csv.reader([line], strict=True)
                assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


class TestSeeds:
    @pytest.mark.parametrize("tag", SEEDS)
    def test_every_title_is_under_its_technique_but_placeholders(
        self, seeds: Made, shared: Path, tag: str
    ) -> None:
        expected, _, technique = SEEDS[tag]
        listed = titles(shared, tag)
        assert len(listed) == expected
        found = {
            fold(row["statement"])
            for row in seeds.rows("lofp_techniques.csv")
            if row["technique"] == technique
        }
        kinds = [kind_of(title) for title in listed]
        missing = {kind for title, kind in zip(listed, kinds) if fold(title) not in found}
        assert missing <= {"placeholder"}
        # No more placeholders than there are, and those are counted.
        assert kinds.count("placeholder") <= 3
        assert seeds.counts("lofp")["placeholder"] >= kinds.count("placeholder")

    @pytest.mark.parametrize("tag", SEEDS)
    def test_the_corpora_still_state_them(
        self, stated: frozenset[str], shared: Path, tag: str
    ) -> None:
        _, least, _ = SEEDS[tag]
        assert sum(fold(title) in stated for title in titles(shared, tag)) >= least

    def test_nothing_was_unread(self, seeds: Made) -> None:
        assert (seeds.result.exit_code, seeds.result.stderr) == (0, "")
        assert seeds.counts("lofp")["statements"] == sum(total for total, _, _ in SEEDS.values())


class TestPages:
    def test_every_page_is_read(self, pages: Made) -> None:
        assert (pages.result.exit_code, pages.result.stderr) == (0, "")
        counts = pages.counts("lofp")
        assert counts["unread"] == 0
        assert counts["files"] == 2_984

    def test_titles_are_unescaped(self, pages: Made) -> None:
        statements = [row["statement"] for row in pages.rows("lofp_entries.csv")]
        assert sum('"' in statement for statement in statements) > 50
        assert not [each for each in statements if each.count('\\"') and "c:" not in each.lower()]

    def test_the_rules_themselves_say_more(self, pages: Made, corpora: Made) -> None:
        """What the generator loses: sub-techniques, colliding titles, folders that it skips."""
        pairs = {
            name: {
                (row["technique"], fold(row["statement"]))
                for row in each.rows("lofp_techniques.csv")
            }
            for name, each in (("pages", pages), ("corpora", corpora))
        }
        assert len(pairs["corpora"]) > len(pairs["pages"])
        statements = {
            name: {fold(statement) for _, statement in each} for name, each in pairs.items()
        }
        known = statements["pages"] & statements["corpora"]
        assert len(known) > 0.9 * len(statements["pages"])
