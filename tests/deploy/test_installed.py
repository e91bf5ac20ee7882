"""The package as pip installs it, without a checkout: from the wheel and from the sdist."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lofp_enrich.deploy.package import app_files, archive
from tests.conftest import CHECKOUT


def do(*command: object, cwd: Path) -> str:
    """Runs a command outside of the checkout; fails with what it said."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env={**env, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of the checkout, and the wheels of the checkout and of that sdist."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = (sys.executable, "-m", "pip")
    checkouts = folder / "of-checkout"
    checkouts.mkdir()
    code = (
        "import setuptools.build_meta as b; "
        f"b.build_sdist({str(folder)!r}); b.build_wheel({str(checkouts)!r})"
    )
    do(*pip, "install", "--quiet", "--target", folder / "tools", "setuptools>=77", cwd=folder)
    source = folder / "source"
    tracked = do("git", "ls-files", "-co", "--exclude-standard", cwd=CHECKOUT).splitlines()
    for name in tracked:
        if not name.startswith(("tests/", "docs/", "lookups/")):
            place = source / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((CHECKOUT / name).read_bytes())
    tools = f"import sys; sys.path.insert(0, {str(folder / 'tools')!r}); "
    do(sys.executable, "-c", tools + code, cwd=source)
    (sdist,) = folder.glob("*.tar.gz")
    do(*pip, "wheel", "--quiet", "--no-deps", "-w", folder / "of-sdist", sdist, cwd=folder)
    return folder


def test_both_wheels_hold_the_same(wheelhouse: Path) -> None:
    held = []
    for folder in ("of-sdist", "of-checkout"):
        (wheel,) = (wheelhouse / folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as opened:
            held.append({name: opened.read(name) for name in opened.namelist()})
    assert held[0].keys() == held[1].keys()
    template = {name for name in held[0] if name.startswith("lofp_enrich/splunk_app/")}
    wanted = {
        f"lofp_enrich/{path.relative_to(CHECKOUT).as_posix()}"
        for path in (CHECKOUT / "splunk_app").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert template == wanted


def test_package_works_without_a_checkout(
    python: Path, wheelhouse: Path, starter_lookups: Path, tmp_path: Path
) -> None:
    (wheel,) = (wheelhouse / "of-sdist").glob("*.whl")
    # Our pip, and nothing compiled that is not run: half of the time went there.
    do(python, "-m", "venv", "--without-pip", "venv", cwd=tmp_path)
    program = tmp_path / "venv" / "bin" / "lofp-enrich"
    into = ("--python", tmp_path / "venv" / "bin" / "python", "install", "--no-compile")
    do(sys.executable, "-m", "pip", *into, "--quiet", wheel, cwd=tmp_path)
    do(program, "build", "--out", "made", cwd=tmp_path)
    for path in starter_lookups.iterdir():
        assert (tmp_path / "made" / path.name).read_bytes() == path.read_bytes()
    do(program, "package", "--lookups", "made", "--out", "app.tar.gz", cwd=tmp_path)
    # The same bytes as from the checkout, if both vendor the same release of the SDK.
    ours = app_files(starter_lookups)
    assert (tmp_path / "app.tar.gz").read_bytes() == archive(ours)
