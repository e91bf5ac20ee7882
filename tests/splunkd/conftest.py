from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from .daemon import FakeSplunkd
from .fixtures import python as python
from .pythons import running

TinyApp = Callable[..., FakeSplunkd]

RAW = """
import json, sys, time

def read():
    header = sys.stdin.buffer.readline()
    if not header:
        sys.exit(0)
    lengths = [int(part) for part in header.split(b",")[1:]]
    metadata, body = (sys.stdin.buffer.read(length) for length in lengths)
    return json.loads(metadata), body.decode("utf-8")

def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()

def reply(body="", **metadata):
    metadata, body = json.dumps(metadata).encode("utf-8"), body.encode("utf-8")
    write(b"chunked 1.0,%d,%d\\n" % (len(metadata), len(body)) + metadata + body)
"""
"""A search command's half of the protocol, without splunklib and with every freedom to break it."""

SDK = """
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
from splunklib.searchcommands import *
"""


def _install(root: Path, script: str) -> Path:
    app = root / "splunk" / "etc" / "apps" / "tiny"
    (app / "bin").mkdir(parents=True)
    (app / "default").mkdir()
    (app / "bin" / "tiny.py").write_text(script, encoding="utf-8")
    (app / "default" / "commands.conf").write_text("[tiny]\nchunked = true\nfilename = tiny.py\n")
    return app


@pytest.fixture
def raw_app(tmp_path: Path) -> TinyApp:
    """Installs an app whose command `tiny` is this code, after the functions of RAW.

    With one interpreter: what these commands break does not depend on it.
    """
    interpreter = running().path
    assert interpreter is not None

    def install(code: str, *, timeout: float = 60) -> FakeSplunkd:
        app = _install(tmp_path, RAW + dedent(code))
        return FakeSplunkd(app, interpreter, work_dir=tmp_path / "work", timeout=timeout)

    return install


@pytest.fixture
def sdk_app(tmp_path: Path) -> TinyApp:
    """Installs an app whose command `tiny` is the class Tiny of this code, on splunklib."""
    interpreter = running().path
    assert interpreter is not None
    found = importlib.util.find_spec("splunklib")
    assert found is not None
    assert found.submodule_search_locations is not None
    library = Path(found.submodule_search_locations[0])

    def install(code: str, *, python: Path = interpreter) -> FakeSplunkd:
        app = _install(tmp_path, SDK + dedent(code) + "\n\ndispatch(Tiny)\n")
        shutil.copytree(
            library,
            app / "bin" / "lib" / "splunklib",
            ignore=shutil.ignore_patterns("__pycache__", "modularinput"),
        )
        return FakeSplunkd(app, python, work_dir=tmp_path / "work")

    return install
