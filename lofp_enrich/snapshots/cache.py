"""The folder that `fetch` fills: snapshots of sources, each with what is known of it.

A snapshot is two files: an archive whose name holds its commit and the start of its SHA-256, and
`<source>.json`, which names the archive in use. A new archive never takes the place of the old one:
it is put beside it, then the JSON is switched in one step, then the old one is removed. Whenever
that is interrupted, the JSON names an archive that is there and whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from lofp_enrich.errors import LofpError
from lofp_enrich.files import replace_file

_LOCK_SECONDS = 600.0
_LOCK_PAUSE = 0.2
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Snapshot:
    """A source as it was at one commit."""

    name: str
    """The source: `sigma`, `elastic`, `splunk`, `lolrmm`; or `attack`."""
    path: Path
    """The archive; for `attack` the STIX bundle."""
    commit: str
    """40 hex digits."""
    date: str
    """ISO date of the commit."""
    ref: str
    """The branch or tag that was asked for; empty for the repository's default branch."""
    rules: int
    """How many rules it holds; for `attack` techniques, for `lolrmm` tools."""
    sha256: str
    """Of the archive."""
    asked: str
    """The address that told the commit."""
    etag: str
    """What that address called its answer; empty where it gave it no name."""

    @property
    def unit(self) -> str:
        """What `rules` counts."""
        return {"attack": "techniques", "lolrmm": "tools"}.get(self.name, "rules")

    def __str__(self) -> str:
        return f"{self.commit[:12]} of {self.date}, {self.rules:,} {self.unit}"


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/lofp_enrich`, or `~/.cache/lofp_enrich`."""
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says that a relative path is to be ignored.
    return (home if home.is_absolute() else Path.home() / ".cache") / "lofp_enrich"


def snapshot(name: str, cache: Path) -> Snapshot | None:
    """The snapshot of a source that is in use; None where there is none, or only a damaged one.

    The archive is compared with its SHA-256. Raises LofpError where the folder cannot be read.
    """
    try:
        known = json.loads((cache / f"{name}.json").read_text("utf-8"))
        found = _from_json(name, cache, known)
        return found if found and digest(found.path) == found.sha256 else None
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    except OSError as error:
        raise LofpError(
            f"{cache}: the snapshot of {name} cannot be read ({error.strerror}); mend that or name "
            "another folder with --cache."
        ) from error


def required(name: str, cache: Path) -> Snapshot:
    """The snapshot of a source; raises LofpError where there is none."""
    found = snapshot(name, cache)
    if found is None:
        raise LofpError(
            f"{name}: no snapshot in {cache}; run lofp-enrich fetch {name}, or say where its rules "
            f"are: --source {name}=PATH."
        )
    return found


def archive_path(name: str, cache: Path, commit: str, sha256: str, suffix: str) -> Path:
    """Where an archive is kept: two that differ in a single byte have two places."""
    return cache / f"{name}-{commit}-{sha256[:16]}{suffix}"


def digest(path: Path) -> str:
    """The SHA-256 of a file as 64 hex digits."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            sha256.update(block)
    return sha256.hexdigest()


@contextlib.contextmanager
def locked(
    name: str, cache: Path, note: Callable[[str], None], sleep: Callable[[float], object]
) -> Iterator[None]:
    """Makes the folder, and keeps other processes from changing this source in it.

    The system takes the lock from a process that dies. `note` is told that there is a wait. Raises
    LofpError where another process does not let go of the lock for ten minutes.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{name}.lock").open("ab") as file:
        for number in range(int(_LOCK_SECONDS / _LOCK_PAUSE)):
            if _try_lock(file.fileno()):
                break
            if number == 0:
                note(f"another fetch is at work in {cache}")
            sleep(_LOCK_PAUSE)
        else:
            raise LofpError(
                f"another fetch has been at work in {cache} for more than "
                f"{_LOCK_SECONDS / 60:.0f} minutes; wait until it is done, or end it."
            )
        yield


def install(download: Path, new: Snapshot) -> None:
    """Makes a complete download the snapshot in use. The source must be locked."""
    download.chmod(0o644)
    with download.open("r+b") as file:
        os.fsync(file.fileno())
    download.replace(new.path)
    _sync_folder(new.path.parent)  # the archive's name must reach the disk before the JSON does
    record(new)
    sweep(new)


def record(new: Snapshot) -> None:
    """Switches the metadata, in one step, to a snapshot whose archive is in its place."""
    known = {**vars(new), "archive": new.path.name}
    del known["path"], known["name"]
    text = json.dumps(known, indent=2, sort_keys=True) + "\n"
    replace_file(new.path.parent / f"{new.name}.json", text.encode())


def sweep(used: Snapshot) -> None:
    """Removes what is not in use: the archive before, and what killed processes left.

    The source must be locked: what no snapshot names may be about to be named.
    """
    name = re.escape(used.name)
    ours = re.compile(
        rf"{name}-[0-9a-f]{{40}}-[0-9a-f]{{16}}\.\S+|\.{name}\.part-\S+|\.{name}\.json\.\S+"
    )
    for path in used.path.parent.iterdir():
        if ours.fullmatch(path.name) and path != used.path:
            with contextlib.suppress(OSError):  # Windows keeps what someone reads; the next time
                path.unlink()


def _from_json(name: str, cache: Path, known: Any) -> Snapshot | None:
    """A snapshot as `record` wrote it; None for anything else."""
    if not isinstance(known, dict) or not isinstance(known.get("rules"), int):
        return None
    texts = [known.get(key) for key in ("archive", "commit", "date", "ref", "sha256", "asked")]
    archive, commit, date, ref, sha256, asked = (t if isinstance(t, str) else "" for t in texts)
    # Only a name that `archive_path` could have given: no metadata leads out of the folder.
    prefix = archive_path(name, cache, commit, sha256, "").name
    if not _COMMIT.fullmatch(commit) or not re.fullmatch(re.escape(prefix) + r"\.[\w.]+", archive):
        return None
    etag = known.get("etag")
    return Snapshot(
        name=name,
        path=cache / archive,
        commit=commit,
        date=date,
        ref=ref,
        rules=known["rules"],
        sha256=sha256,
        asked=asked,
        etag=etag if isinstance(etag, str) else "",
    )


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder, and orders its own writes.
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
