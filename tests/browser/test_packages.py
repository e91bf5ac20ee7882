"""The npm packages of the browser tests are locked by version and hash, and by no address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.once


def test_the_lock_names_versions_and_hashes_alone() -> None:
    text = (HERE / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    assert '"resolved"' not in text
    lock = json.loads(text)["packages"]
    for name, package in lock.items():
        assert not name or package.get("integrity") or package.get("inBundle"), name
    assert "omit-lockfile-registry-resolved=true" in (HERE / ".npmrc").read_text(encoding="utf-8")


def test_the_lock_is_of_the_packages_that_are_wanted() -> None:
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert lock[""]["dependencies"] == wanted
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version
