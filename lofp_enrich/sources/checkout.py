"""Where a folder of rules comes from, if it is a git checkout: read from its files, without git."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}")
_ORIGIN = re.compile(
    r"^\[remote \"origin\"\]\s*\n(?:[ \t]+.*\n)*?[ \t]*url\s*=\s*(\S+)", re.MULTILINE
)
_GITHUB = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]*@)?github\.com/|git@github\.com:)"
    r"([\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Checkout:
    """A commit, and the address on GitHub of a folder at that commit; empty if it is elsewhere."""

    commit: str
    url: str


def find(folder: Path) -> Checkout | None:
    """The checkout that a folder is; None where it is none or has no commit that can be read."""
    git = folder / ".git"
    commit = _commit(git) if git.is_dir() else ""
    return Checkout(commit, _url(git, commit)) if commit else None


def _commit(git: Path) -> str:
    head = _text(git / "HEAD").strip()
    if head.startswith("ref: "):
        name = head[len("ref: ") :]
        head = "" if ".." in name else _text(git / name).strip()
        if not head:
            packed = re.search(
                rf"^([0-9a-f]{{40}}) {re.escape(name)}$", _text(git / "packed-refs"), re.M
            )
            head = packed[1] if packed else ""
    return head if _COMMIT.fullmatch(head) else ""


def _url(git: Path, commit: str) -> str:
    origin = _ORIGIN.search(_text(git / "config"))
    github = _GITHUB.fullmatch(origin[1]) if origin else None
    return f"https://github.com/{github[1]}/blob/{commit}/" if github else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
