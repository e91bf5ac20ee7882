"""The interpreters that commands are run with: those that Splunk ships, and the running one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

SPLUNKS = ("3.9", "3.13")
"""Splunk 9.4 and 10.0 run the first, 10.2 and later the second."""

# Before 3.11 sys._base_executable is that of the virtual environment, so the base is asked first.
_ASK = """
import os, sys
version = "%d.%d" % sys.version_info[:2]
base = os.path.join(sys.base_exec_prefix, "bin", "python" + version)
print(version)
print(base if os.path.exists(base) else getattr(sys, "_base_executable", None) or sys.executable)
"""


@dataclass(frozen=True)
class Interpreter:
    """A version of Python and where it is, or why it isn't there."""

    version: str
    path: Path | None
    absence: str = ""


@cache
def running() -> Interpreter:
    """The interpreter below the running one's virtual environment: without its packages."""
    version = "{}.{}".format(*sys.version_info[:2])
    path = _base(sys.executable, version)
    assert path is not None, "the running interpreter does not run"
    return Interpreter(version, path)


def find(version: str) -> Interpreter:
    """The interpreter of this version, from LOFP_PYTHON<version>, PATH or pyenv."""
    variable = "LOFP_PYTHON" + version.replace(".", "")
    for candidate in _candidates(version, variable):
        path = _base(candidate, version)
        if path is not None:
            return Interpreter(version, path)
    return Interpreter(
        version, None, f"no Python {version}: not on PATH, not of pyenv, {variable} names none"
    )


def _candidates(version: str, variable: str) -> Iterator[str]:
    named = os.environ.get(variable)
    if named:
        # Who names one does not want another in its place.
        yield named
        return
    name = f"python{version}"
    on_path = shutil.which(name)
    if on_path:
        yield on_path
    versions = Path.home() / ".pyenv" / "versions"
    yield from (str(path) for path in sorted(versions.glob(f"{version}*/bin/{name}"), reverse=True))


def _base(candidate: str, version: str) -> Path | None:
    """The interpreter behind a candidate, which may be a shim that starts nothing, or a venv's."""
    try:
        answer = subprocess.run(
            [candidate, "-I", "-c", _ASK], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found, path = answer.stdout.splitlines()
    return Path(path) if found == version else None


def _param(interpreter: Interpreter) -> ParameterSet:
    marks: list[Any] = []
    if interpreter.path is None and os.environ.get("LOFP_REQUIRE_PYTHONS") != "1":
        marks.append(pytest.mark.skip(reason=interpreter.absence))
    return pytest.param(interpreter, marks=marks, id=f"py{interpreter.version}")


def _params() -> list[ParameterSet]:
    first = running()
    if os.environ.get("LOFP_PYTHONS") == "running":
        return [_param(first)]
    others = [find(version) for version in SPLUNKS if version != first.version]
    return [_param(interpreter) for interpreter in (first, *others)]


PYTHONS = _params()
"""pytest parameters, each an `Interpreter`; an absent one skips, or fails where it is required.
LOFP_PYTHONS=running leaves it at the running one."""
