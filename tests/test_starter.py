"""The starter entries: what the schema cannot ask of them, and the form their files are kept in.

`python -m tests.test_starter` brings the files into that form.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lofp_enrich.catalogue.kinds import kind_of
from lofp_enrich.catalogue.software import products
from lofp_enrich.search.alert.platform import PRODUCT_WORDS
from lofp_enrich.search.attack import Attack
from lofp_enrich.sources import starter
from tests.conftest import ATTACK, CHECKOUT

pytestmark = pytest.mark.once

FILES = sorted((CHECKOUT / "lofp_enrich" / "starter" / "entries").glob("*.yaml"))
NEEDED = ("statement", "techniques", "products", "check", "terms")
CONDITIONS = ("software", "role", "fits", "contradicts")
PROOF = ("examples", "seen", "checked")
"""What an entry with conditions has besides them."""
KEYS = (*NEEDED, *CONDITIONS, "against", *PROOF)
"""In the order of the files."""

HEDGES = re.compile(r"\b(may|might|could|possibl[ey]|potential(ly)?|legitimate(ly)?)\b", re.I)
ADDRESS = re.compile(r"https?://|\b\d+\.\d+\.\d+\.\d+\b")
REFUSED = re.compile("runshellscript", re.I)
"""AppInspect takes the word for the old alert action, wherever it stands."""
ALIKE = 0.5
"""Share of words from which on two texts say the same."""
STOCK = 3
"""How often five words in a row may stand in checks."""

Entry = dict[str, Any]


def read(path: Path) -> list[Entry]:
    entries: list[Entry] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return entries


def normal_form(entries: Iterable[Entry]) -> str:
    """Sorted by first technique, then statement; a line a key, a blank line between entries."""
    ordered = sorted(entries, key=lambda entry: (entry["techniques"][0], entry["statement"]))
    return "\n".join(
        yaml.safe_dump(
            [{key: entry[key] for key in KEYS if key in entry}],
            default_flow_style=None,
            sort_keys=False,
            allow_unicode=True,
            width=math.inf,
        )
        for entry in ordered
    )


ENTRIES = [entry for path in FILES for entry in read(path)]


def faults(key: str, is_fine: Callable[[Any], object]) -> list[str]:
    """The statements of the entries whose value of `key` is not fine."""
    return [entry["statement"] for entry in ENTRIES if not is_fine(entry[key])]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def test_schema_has_nothing_against_them() -> None:
    reading = starter()
    assert reading.errors == ()
    assert len(reading.rules) == len(ENTRIES)


def test_every_entry_has_every_key() -> None:
    assert [each["statement"] for each in ENTRIES if not set(NEEDED) <= set(each)] == []


def test_conditions_are_proved() -> None:
    with_some = [entry for entry in ENTRIES if set(entry) & set(CONDITIONS)]
    assert [each["statement"] for each in with_some if not set(PROOF) <= set(each)] == []
    no_one = [each["statement"] for each in with_some if "role" in each and "software" not in each]
    assert no_one == []


def test_software_is_known() -> None:
    known = {product["key"] for product in products()}
    assert {key for entry in ENTRIES for key in entry.get("software", ())} - known == set()


def test_they_are_many_and_cover_much() -> None:
    assert len(ENTRIES) >= 600
    assert len({technique for entry in ENTRIES for technique in entry["techniques"]}) >= 250


def test_techniques_are_current() -> None:
    attack = Attack.load(ATTACK)
    named = {technique for entry in ENTRIES for technique in entry["techniques"]}
    current = {technique for technique, row in attack.rows.items() if row["status"] == "active"}
    assert named - current == set()


def test_techniques_are_few_and_distinct() -> None:
    assert faults("techniques", lambda ids: 1 <= len(ids) == len(set(ids)) <= 4) == []


def test_products_are_known_and_distinct() -> None:
    known = set(PRODUCT_WORDS)
    assert faults("products", lambda names: 0 < len(names) == len(known & set(names))) == []


def test_terms_are_some_distinct_words() -> None:
    assert faults("terms", lambda terms: 2 <= len(terms) == len(set(terms)) <= 8) == []
    assert faults("terms", lambda terms: all(isinstance(term, str) for term in terms)) == []


def test_a_statement_is_a_sentence_of_some_length() -> None:
    assert faults("statement", lambda text: 40 <= len(text) <= 200 and text.endswith(".")) == []


def test_a_statement_names_a_cause() -> None:
    assert faults("statement", lambda text: kind_of(text) == "benign") == []


def test_a_statement_does_not_hedge() -> None:
    assert faults("statement", lambda text: not HEDGES.search(text)) == []


def test_a_check_is_of_some_length() -> None:
    assert faults("check", lambda text: 60 <= len(text) <= 320 and text.endswith(".")) == []


@pytest.mark.parametrize("key", ["statement", "check"])
def test_no_text_has_an_address(key: str) -> None:
    assert faults(key, lambda text: not ADDRESS.search(text)) == []


@pytest.mark.parametrize("key", ["statement", "check"])
def test_no_two_texts_say_the_same(key: str) -> None:
    texts = [(entry[key], frozenset(words(entry[key]))) for entry in ENTRIES]
    often = Counter(word for _, said in texts for word in said)
    by_word: defaultdict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    alike = set()
    for text, mine in texts:
        # Who shares that much shares one of the rarest: of all but so many, one must be common.
        rare = sorted(mine, key=lambda word: (often[word], word))
        for word in rare[: len(mine) - math.ceil(ALIKE * len(mine)) + 1]:
            for other, theirs in by_word[word]:
                if len(mine & theirs) >= ALIKE * len(mine | theirs):
                    alike.add((other, text))
            by_word[word].append((text, mine))
    assert alike == set()


def test_a_check_is_its_own() -> None:
    said: defaultdict[str, set[str]] = defaultdict(set)
    for entry in ENTRIES:
        said_here = words(entry["check"])
        for five in zip(*(said_here[start:] for start in range(5))):
            said[" ".join(five)].add(entry["statement"])
    assert {phrase: where for phrase, where in said.items() if len(where) > STOCK} == {}


def test_spelling() -> None:
    pytest.importorskip("codespell_lib")
    command = [sys.executable, "-m", "codespell_lib", "lofp_enrich/starter"]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_are_in_normal_form(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == normal_form(read(path)), (
        "run .venv/bin/python -m tests.test_starter, which sorts and lays out the files"
    )


def test_lookups_are_made_from_them(starter_lookups: Path) -> None:
    made = {path.name: path.read_bytes() for path in starter_lookups.iterdir()}
    committed = {path.name: path.read_bytes() for path in (CHECKOUT / "lookups").iterdir()}
    assert sorted(name for name in made if made[name] != committed.get(name)) == [], (
        "run make lookups"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_word_that_appinspect_refuses(path: Path) -> None:
    assert REFUSED.findall(path.read_text(encoding="utf-8")) == []


if __name__ == "__main__":
    for file in FILES:
        file.write_bytes(normal_form(read(file)).encode())
