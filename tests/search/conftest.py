from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Callable

import pytest

from lofp_enrich.catalogue import lookups
from lofp_enrich.catalogue.merge import merge
from lofp_enrich.model import FalsePositive, Location, LogSource, Rule
from lofp_enrich.search.answer.enrich import Enricher
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.index import LookupIndex
from lofp_enrich.search.knowledge.local import LocalRows
from tests.conftest import ATTACK

EnricherOf = Callable[..., Enricher]


def rule(*statements: str, techniques: str = "T1059.001", **fields: object) -> Rule:
    """A rule that makes these statements; each statement its own rule's title unless told."""
    named = {
        "source": "sigma",
        "id": statements[0],
        "title": f"Rule of {statements[0]}",
        "location": Location("x.yml", 1),
        "techniques": tuple(techniques.split()),
        "falsepositives": tuple(
            FalsePositive(each, check=str(fields.get("check", ""))) for each in statements
        ),
        "logsource": LogSource(product=str(fields.pop("product", ""))),
    }
    fields.pop("check", None)
    return Rule(**{**named, **fields})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def attack() -> Attack:
    """The ATT&CK table that the package ships."""
    return Attack.load(ATTACK)


@pytest.fixture
def enricher_of(attack: Attack, tmp_path: Path) -> EnricherOf:
    """Makes an enricher of rules, through the files that a search would read."""
    numbers = itertools.count()

    def make(rules: Iterable[Rule], local: LocalRows | None = None, **options: str) -> Enricher:
        """Shows all, as `min_score=0` does, unless told: what is left out has its own tests."""
        options = {"min_score": "0", **options}
        folder = tmp_path / str(next(numbers))
        lookups.write(merge(rules, attack), attack, (), folder)
        return Enricher(LookupIndex.load(folder), local or LocalRows(), parse(options))

    return make
