"""How well real alerts are read: floors a little below what was measured last."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.corpora

FLOORS = {
    "platform": (95, 94),
    **dict.fromkeys(
        "command_line process parent user host file rule title description src_ip"
        " operation".split(),
        (85, 88),
    ),
}
"""Attribute -> recall and precision in percent."""
_ROW = re.compile(r"(\w+) +\d+ +(\d+%|-) +(\d+%|-) +\d+ +(\d+%|-) +\d+ +\d+")


class Measured(NamedTuple):
    """Percent."""

    recall: int
    every: int
    precision: int


@pytest.fixture(scope="module")
def measured(shared: Path) -> dict[str, Measured]:
    """The benchmark's table of all forms, through the public command line."""
    script = shared / "bench" / "alerts" / "run.py"
    if not script.is_file():
        pytest.skip(f"the alert benchmark is not in {script.parent}")
    done = subprocess.run(
        [sys.executable, script, "--lofp-enrich", f"{sys.executable} -m lofp_enrich"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    table, _, _ = done.stdout.partition("\n\n")
    assert table.startswith("all forms: ")
    return {
        row[1]: Measured(*(_percent(cell) for cell in row.groups()[1:]))
        for row in map(_ROW.fullmatch, table.splitlines())
        if row
    }


def _percent(cell: str) -> int:
    return 0 if cell == "-" else int(cell[:-1])


def test_techniques(measured: dict[str, Measured]) -> None:
    assert measured["techniques"].every >= 95
    assert measured["techniques"].precision >= 98


@pytest.mark.parametrize("attribute", FLOORS)
def test_attributes(measured: dict[str, Measured], attribute: str) -> None:
    recall, precision = FLOORS[attribute]
    assert measured[attribute].recall >= recall
    assert measured[attribute].precision >= precision
