"""The whole catalogue of the three sources, pushed over the starter entries."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from lofp_enrich.search.knowledge.columns import CATALOGUE
from tests.conftest import run

from .conftest import LOCAL, World


@pytest.mark.corpora
def test_the_full_catalogue(
    world: World,
    shared: Path,
    starter_lookups: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("INFO")  # splunk-sdk logs every row that is sent
    sources = [
        f"--source={name}={shared}/corpora/{name}.tar.gz" for name in ("sigma", "elastic", "splunk")
    ]
    run("build", *sources, "--out", world.folder)
    world.state.lookups.update({name: (starter_lookups / name).read_bytes() for name in CATALOGUE})
    world.state.lookups["lofp_local.csv"] = LOCAL
    began = time.monotonic()
    pushed = world.push()
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
    assert not world.push()
