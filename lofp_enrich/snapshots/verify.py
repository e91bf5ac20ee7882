"""Whether a download is what it should be, before it replaces what works."""

from __future__ import annotations

import gzip
import posixpath
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lofp_enrich import sources
from lofp_enrich.catalogue import stix
from lofp_enrich.errors import LofpError
from lofp_enrich.snapshots.download import Broken
from lofp_enrich.sources.archive import MEMBERS, RATIO, TOTAL_BYTES

_SMALL = 2**20  # an archive of little but tar's padding has a high ratio and no weight


def count(name: str, path: Path, commit: str) -> int:
    """How many rules or techniques a download holds.

    Raises Broken where it is damaged, LofpError where it is not what it should be.
    """
    try:
        if name == "attack":
            return len(stix.techniques(path))
        check_tar(path, commit)
        return len(sources.read(name, path).rules)
    except LofpError as error:
        # The name of a temporary file tells a person nothing.
        raise LofpError(str(error).replace(f"{path}: ", "the download ", 1)) from None


def check_tar(path: Path, commit: str) -> None:
    """Reads an archive to its last byte, which alone verifies gzip's checksum.

    Raises Broken where it is damaged, LofpError where it is a bomb, holds what git never puts into
    an archive, or is of another commit.
    """
    most = min(TOTAL_BYTES, max(_SMALL, RATIO * path.stat().st_size))
    try:
        with gzip.open(path) as stream:
            counted: Any = _Counted(stream, most)
            with tarfile.open(fileobj=counted, mode="r|") as archive:
                tops = {_top(member) for member in _limited(archive)}
                told = archive.pax_headers.get("comment", "")
            while counted.read(2**16):
                pass
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
        raise Broken(f"the download is damaged ({type(error).__name__})") from None
    if counted.tail.strip(b"\0") or len(counted.tail) < _Counted.END:
        raise Broken("the download is damaged (the archive has no end)")
    if commit not in {told, *(top[-40:] for top in tops)} or len(tops) != 1:
        raise LofpError(f"the download is no archive of commit {commit[:12]}; see --url.")


def _limited(archive: tarfile.TarFile) -> Iterable[tarfile.TarInfo]:
    for number, member in enumerate(archive):
        if number >= MEMBERS:
            raise LofpError(f"the download holds more than {MEMBERS:,} files; refused.")
        yield member


def _top(member: tarfile.TarInfo) -> str:
    """The first folder of a member's name; raises LofpError for what git never puts there.

    Nothing is ever unpacked; but who carries the archive to another site may do so.
    """
    leads = [member.name]
    if member.issym():
        leads.append(posixpath.join(posixpath.dirname(member.name), member.linkname))
    elif not (member.isreg() or member.isdir()) or member.issparse():
        leads.append("..")
    for lead in leads:
        parts = posixpath.normpath(lead.replace("\\", "/")).split("/")
        if parts[0] in ("", "..") or ":" in parts[0] or ".." in member.name.split("/"):
            raise LofpError("the download holds names or links that lead out of it; refused.")
    return member.name.split("/")[0]


class _Counted:
    """A stream that ends a bomb, and keeps its last bytes."""

    END = 1024
    """A tar archive ends with as many zeros; without them it was cut between two files."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self.stream = stream
        self.left = most
        self.tail = b""

    def read(self, size: int) -> bytes:
        """Reads as from the stream itself."""
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise LofpError("the download unpacks to more than any rule archive does; refused.")
        self.tail = (self.tail + data)[-self.END :]
        return data
