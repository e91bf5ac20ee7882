"""Kinds against people's reading: statements drawn from the corpora, here as hashes.

`tests/data/kinds/seed_N.csv` holds 200 of the distinct statements of live rules (folded, sorted,
`random.Random(N).sample`), each labelled by reading it alone. Seed 1 was labelled before the kinds
were changed and used to change them; seed 3 was drawn and labelled after, and nothing was changed
for it, so that its lower numbers are what a statement never seen gets.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from lofp_enrich.catalogue.kinds import kind_of
from tests.conftest import CORPORA, reading

pytestmark = [pytest.mark.corpora, pytest.mark.once]

LABELS = Path(__file__).resolve().parent.parent / "data" / "kinds"


@pytest.fixture(scope="module")
def texts(shared: Path) -> dict[str, str]:
    """The statements of live rules by their hash."""
    return {
        hashlib.sha256(fp.text.encode()).hexdigest(): fp.text
        for name in CORPORA
        for rule in reading(shared, name).rules
        for fp in rule.falsepositives
    }


@pytest.mark.parametrize(("seed", "agree", "right"), [(1, 0.95, 0.95), (3, 0.88, 0.87)])
def test_kinds_agree_with_reading(
    texts: dict[str, str], seed: int, agree: float, right: float
) -> None:
    with (LABELS / f"seed_{seed}.csv").open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    assert len(labels) == 200
    pairs = [(row["kind"], kind_of(texts[row["sha256"]])) for row in labels]
    assert sum(label == found for label, found in pairs) / len(pairs) >= agree
    benign = [label for label, found in pairs if found == "benign"]
    assert benign.count("benign") / len(benign) >= right
