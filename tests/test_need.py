"""`.ci/need` installs what is missing, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NEED = Path(__file__).parent.parent / ".ci" / "need"
TOOLS = ("bash", "env", "find", "grep", "ldconfig", "python3")
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(os.name == "nt", reason="a script for Debian"),
]


def need(folder: Path, has: str, wants: str, user: int = 0) -> tuple[int, str, list[str]]:
    """(exit code, what is said, what apt-get was asked for) where these commands are."""
    bin_, log = folder / "bin", folder / "apt"
    bin_.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
        assert found, tool
        (bin_ / tool).symlink_to(found)
    scripts = {"apt-get": f'echo "$@" >> {log}', "id": f"echo {user}"}
    for name, text in {**scripts, **dict.fromkeys(has.split(), "")}.items():
        (bin_ / name).write_text(f"#!{bin_}/bash\n{text}\n", encoding="utf-8")
        (bin_ / name).chmod(0o755)
    done = subprocess.run(
        [str(NEED), *wants.split()],
        env={"PATH": str(bin_)},
        capture_output=True,
        text=True,
        check=False,
    )
    asked = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    installs = [line.split("recommends ")[1] for line in asked if line.startswith("install")]
    return done.returncode, done.stderr, installs


@pytest.mark.parametrize(
    ("has", "installed"),
    [
        ("chromium node npm make", []),
        ("chromium-browser node npm make", []),
        # A node that is not Debian's keeps its place.
        ("node npm make", ["chromium"]),
        ("chromium make", ["nodejs npm"]),
        ("", ["make chromium nodejs npm"]),
    ],
)
def test_only_what_is_missing_is_installed(tmp_path: Path, has: str, installed: list[str]) -> None:
    assert need(tmp_path, has, "make chromium nodejs npm") == (0, "", installed)


def test_what_cannot_be_installed_is_named(tmp_path: Path) -> None:
    code, said, installed = need(tmp_path, "node npm", "chromium nodejs npm", user=1000)
    assert (code, installed) == (1, [])
    assert said.startswith("This is missing here: chromium. Install it first")


def test_a_node_without_npm_is_left_alone(tmp_path: Path) -> None:
    code, said, installed = need(tmp_path, "chromium node", "chromium nodejs npm")
    assert (code, installed) == (1, [])
    assert "install npm from where that node came from" in said
