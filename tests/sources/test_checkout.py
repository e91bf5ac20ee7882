"""A git checkout, read from its files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from lofp_enrich.sources.checkout import Checkout, find

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def make(folder: Path, origin: str = "https://github.com/o/r.git", **files: str) -> Path:
    git = folder / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "config").write_text(
        f'[core]\n\tbare = false\n[remote "up"]\n\turl = https://github.com/x/y\n'
        f'[remote "origin"]\n\tfetch = +refs/heads/*\n\turl = {origin}\n'
    )
    for name, text in files.items():
        (git / name.replace("_", "-")).write_text(text)
    return folder


def test_a_branch(tmp_path: Path) -> None:
    make(tmp_path, HEAD="ref: refs/heads/main\n")
    (tmp_path / ".git/refs/heads/main").write_text(COMMIT + "\n")
    assert find(tmp_path) == Checkout(COMMIT, f"https://github.com/o/r/blob/{COMMIT}/")


def test_a_packed_branch(tmp_path: Path) -> None:
    packed = f"# pack-refs\n{COMMIT[::-1]} refs/heads/other\n{COMMIT} refs/heads/main\n"
    make(tmp_path, HEAD="ref: refs/heads/main", packed_refs=packed)
    assert find(tmp_path) == Checkout(COMMIT, f"https://github.com/o/r/blob/{COMMIT}/")


@pytest.mark.parametrize(
    ("origin", "repository"),
    [
        ("https://github.com/o/r", "o/r"),
        ("https://user:secret@github.com/o/r.git", "o/r"),
        ("git@github.com:o/r.git", "o/r"),
        ("ssh://git@github.com/o/r.git", "o/r"),
        ("https://gitlab.com/o/r.git", ""),
        ("https://evil.example.com/github.com/o/r", ""),
        ("https://evil.example.com:x@y/https://github.com/o/r", ""),
        ("../elsewhere", ""),
    ],
)
def test_origins(tmp_path: Path, origin: str, repository: str) -> None:
    found = find(make(tmp_path, origin, HEAD=COMMIT))
    assert found is not None
    assert found.url == (f"https://github.com/{repository}/blob/{COMMIT}/" if repository else "")


@pytest.mark.parametrize("head", ["", "ref: refs/heads/gone", "ref: ../../secret", "not a commit"])
def test_without_a_commit_there_is_none(tmp_path: Path, head: str) -> None:
    assert find(make(tmp_path, HEAD=head)) is None


def test_a_plain_folder_is_none(tmp_path: Path) -> None:
    assert find(tmp_path) is None
