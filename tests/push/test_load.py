"""The whole catalogue of the three sources, pushed over the starter entries."""

from __future__ import annotations

import csv
import shutil
import time
from pathlib import Path

import pytest
from click.testing import Result

from lofp_enrich.deploy.client import Limits
from lofp_enrich.search.knowledge.columns import CATALOGUE

from .conftest import LOCAL, World

PATIENT = Limits(connect=5, silence=120, settle=(0, 0.01))
"""A search of the stand-in takes seconds here, and many on a machine that is busy."""


@pytest.mark.once
@pytest.mark.corpora
def test_the_full_catalogue(
    world: World,
    corpora_build: tuple[Result, Path],
    starter_lookups: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("INFO")  # splunk-sdk logs every row that is sent
    _, built = corpora_build
    for name in CATALOGUE:
        shutil.copy(built / name, world.folder)
    world.state.lookups.update({name: (starter_lookups / name).read_bytes() for name in CATALOGUE})
    world.state.lookups["lofp_local.csv"] = LOCAL
    began = time.monotonic()
    pushed = world.push(limits=PATIENT)
    seconds = time.monotonic() - began
    rows = sum(change.after for change in pushed.changes)
    size = sum((world.folder / name).stat().st_size for name in CATALOGUE)
    with capfd.disabled():
        print(f"\n{rows:,} rows, {size:,} bytes: {seconds:.1f} s, {pushed.requests} requests")
    for name in CATALOGUE:
        with (world.folder / name).open(encoding="utf-8", newline="") as file:
            assert world.state.table(name) == [*csv.reader(file)]
    assert world.state.leftovers == []
    assert pushed.requests < 300
    assert not world.push(limits=PATIENT)
