"""What CI does: `nox` for all of it, `nox -s lint`, `tests-3.9`, `app`, ... for a part.

Run it from the virtual environment that `make lint` makes, `.venv/bin/nox`.
"""

from __future__ import annotations

import ctypes.util
import hashlib
import os
import shutil
import sys
from pathlib import Path

import nox

APPINSPECT = "splunk-appinspect==4.3.1"
SPLUNKS = ("3.9", "3.13")
"""The versions of Python that Splunk runs: their sessions are always there."""
OTHERS = ("3.10", "3.11", "3.12", "3.14")

# pyenv's shims are on PATH for every version it has, and start only the one that is chosen.
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
os.environ["PATH"] = os.pathsep.join([*map(str, _PYENV.glob("3.*/bin")), os.environ["PATH"]])

RUNNING = "{}.{}".format(*sys.version_info[:2])
FIRST = SPLUNKS if any(shutil.which(f"python{version}") for version in SPLUNKS) else (RUNNING,)
"""What `make test` runs on: Splunk's versions, or where there is neither, the one that is here."""
WHOLE = next((v for v in reversed(FIRST) if shutil.which(f"python{v}")), RUNNING)
"""The one of them that runs the tests marked `once` too."""
REST = [v for v in OTHERS if v not in FIRST and shutil.which(f"python{v}")]

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "tests", "app"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = os.environ.get("LOFP_REQUIRE_PYTHONS") == "1"


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Style, types and spelling, with the tools beside nox."""
    for tool in ("ruff check", "ruff format --check", "mypy", "codespell"):
        name, *arguments = tool.split()
        module = "codespell_lib" if name == "codespell" else name
        session.run(sys.executable, "-m", module, *arguments)


@nox.session(python=FIRST)
def tests(session: nox.Session) -> None:
    """All tests, each time with the search command on the session's own Python."""
    _install(session, "--editable", ".[dev]")
    marked = "not browser" if session.python == WHOLE else "not browser and not once"
    # A file's tests stay together: they share what is costly to make.
    arguments = ["-m", marked, *"-n auto --maxprocesses 4 --dist loadfile".split()]
    if session.posargs:
        # Who asks for some tests gets them all, in one process that a debugger can stop.
        arguments = ["-m", "not browser", *session.posargs]
    session.run("pytest", *arguments, env={"LOFP_PYTHONS": "running"})


@nox.session(python=REST)
def others(session: nox.Session) -> None:
    """The same tests on every other Python that is installed."""
    tests(session)


@nox.session
def app(session: nox.Session) -> None:
    """Packages the app with the starter entries into dist/, and inspects it."""
    if not ctypes.util.find_library("magic"):
        session.error("AppInspect needs libmagic; on Debian and Ubuntu: apt-get install libmagic1")
    ours = str(Path(sys.executable).with_name("lofp-enrich"))
    archive = Path("dist", "lofp_enrich.tar.gz")
    lookups = session.create_tmp()
    session.run(ours, "build", "--out", lookups, external=True)
    session.run(ours, "package", "--lookups", lookups, "--out", str(archive), external=True)
    # Of its own: AppInspect pins libraries that are years old.
    _install(session, APPINSPECT)
    session.run("python", "tests/appinspect.py", str(archive))


def _install(session: nox.Session, *arguments: str) -> None:
    """Installs once for each content of pyproject.toml; asking pip again takes seconds."""
    wanted = hashlib.sha256(Path("pyproject.toml").read_bytes()).hexdigest() + " ".join(arguments)
    stamp = Path(session.virtualenv.location, "installed.txt")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        session.install(*arguments)
        stamp.write_text(wanted, encoding="utf-8")
