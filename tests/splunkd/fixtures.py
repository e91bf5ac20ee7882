"""Fixtures of the emulator, for conftest.py to import; they need its `built_app`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .daemon import FakeSplunkd
from .pythons import PYTHONS, Interpreter


@pytest.fixture(params=PYTHONS)
def python(request: pytest.FixtureRequest) -> Path:
    """Each interpreter in turn; absent ones skip, or fail under LOFP_REQUIRE_PYTHONS=1."""
    interpreter: Interpreter = request.param
    if interpreter.path is None:
        pytest.fail(f"{interpreter.absence}, and LOFP_REQUIRE_PYTHONS=1 asks for it")
    return interpreter.path


@pytest.fixture
def splunkd(python: Path, built_app: Path, tmp_path: Path) -> FakeSplunkd:
    """An emulated splunkd that has the built app, `<root>/etc/apps/<name>`, installed."""
    return FakeSplunkd(built_app, python, work_dir=tmp_path)
