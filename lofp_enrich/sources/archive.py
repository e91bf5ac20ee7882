"""Texts out of a file, a folder or an archive, read in memory and never unpacked.

An archive comes from the internet: nothing of it is written to disk, no link is followed, and what
it may cost is limited by what it really holds, not by what its headers say.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable

from lofp_enrich.errors import LofpError, RuleError
from lofp_enrich.model import Location

FILE_BYTES = 4 * 2**20
"""The longest file that is read; LoFP's longest page has 3.1 MB, a rule rarely 100 kB."""
TOTAL_BYTES = 512 * 2**20
"""What an archive may unpack to; the whole of elastic/detection-rules stays below 200 MB."""
MEMBERS = 100_000
"""How many files and folders an archive may hold."""
RATIO = 100
"""How many times its own size an archive may unpack to. Rules reach 15, zeros 1,000."""
_RATIO_FROM = 16 * 2**20  # what does not weigh much may be as repetitive as it likes
_CHUNK = 2**20

_TAR = (".tar.gz", ".tgz", ".spl")
_ZIP = ".zip"
# The last three are what the standard library falls over when an archive is made to hurt it, such
# as the RecursionError of tarfile for a thousand extended headers in a row.
_UNREADABLE = (
    *(OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile),
    *(ValueError, RuntimeError, OverflowError),
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class TextFile:
    """A file of a source: its path below the source's top folder, and its text."""

    path: str
    text: str


@dataclass
class Contents:
    """What a path holds."""

    top: str = ""
    """The folder's name, or that of the one folder an archive holds: `sigma-<commit>`."""
    commit: str = ""
    """The commit that the name or the archive itself tells; empty where neither does."""
    files: list[TextFile | RuleError] = field(default_factory=list)
    """What was wanted; what could not be read of it stands among the files as an error."""


def contents(path: Path, wanted: Callable[[str], bool], file_bytes: int = FILE_BYTES) -> Contents:
    """All files at a path whose name is wanted, as texts; hidden folders (.git) are left out.

    Raises LofpError where there is nothing, and for an archive that is damaged or a bomb.
    """
    name = path.name.lower()
    try:
        reader = _Reader(path, wanted, file_bytes)
        if path.is_dir():
            reader.folder()
        elif name.endswith(_TAR):
            reader.tar()
        elif name.endswith(_ZIP):
            reader.zip()
        else:
            with path.open("rb") as file:
                reader.add(path.name, file.read(file_bytes + 1))
    except FileNotFoundError as error:
        raise LofpError(f"{path}: no such file or folder; check the path.") from error
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path}: cannot be read ({reason}); check it, or download it again."
        raise LofpError(message) from error
    return reader.contents


class _Reader:
    """Collects the files of one path and keeps count of what that costs."""

    def __init__(self, path: Path, wanted: Callable[[str], bool], file_bytes: int) -> None:
        self.path = path
        self.wanted = wanted
        self.file_bytes = file_bytes
        self.contents = Contents()
        self.seen: set[str] = set()
        self.tops: set[str] = set()
        self.members = 0
        self.bytes = 0
        self.most_bytes = min(TOTAL_BYTES, max(_RATIO_FROM, RATIO * path.stat().st_size))

    def folder(self) -> None:
        """Read a folder; a link is followed only to a file inside the same folder."""
        root = self.path.resolve()
        self._name(root.name)
        for place, folders, files in os.walk(root):
            inside = Path(place).relative_to(root)
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in folders:
                self._check_link(root, inside / name)
            for name in files:
                path = _printable((inside / name).as_posix())
                if self._is_wanted(path) and self._check_link(root, inside / name):
                    self._from_disk(root / inside / name, path)

    def _check_link(self, root: Path, inside: Path) -> bool:
        path = root / inside
        # Not Path.resolve, which raises RuntimeError for a link to itself before Python 3.13.
        leaves = path.is_symlink() and root not in Path(os.path.realpath(path)).parents
        if leaves:
            self._refuse(_printable(inside.as_posix()), "a link out of the folder is not followed")
        return not leaves

    def _from_disk(self, path: Path, name: str) -> None:
        self._count_member()
        if not path.is_file():
            self._refuse(name, "no regular file, or a link to nothing")
            return
        try:
            with path.open("rb") as file:
                self.add(name, file.read(self.file_bytes + 1))
        except OSError as error:
            self._refuse(name, f"cannot be read ({error.strerror})")

    def tar(self) -> None:
        """Read a .tar.gz: unpacked in memory, where its size is counted before it is looked at."""
        with self.path.open("rb") as file, gzip.GzipFile(fileobj=file) as stream:
            data = b"".join(iter(lambda: self._counted(stream.read(_CHUNK)), b""))
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                self._from_tar(member, data)
            # tarfile takes a header it can't read for the end, and says nothing.
            if data[archive.offset :].strip(b"\0"):
                raise tarfile.ReadError("damaged in the middle")
        self._strip_top()
        self._name(self.contents.top, archive.pax_headers.get("comment", ""))

    def _from_tar(self, member: tarfile.TarInfo, data: bytes) -> None:
        self._count_member()
        if member.size < 0:
            raise tarfile.ReadError("a member of negative size")
        name = _printable(member.name)
        safe = self._is_safe(name, folder=member.isdir())
        if safe and not member.isdir() and self._is_wanted(name):
            if not member.isreg() or member.issparse():
                self._refuse(name, "a link or device in an archive is not read")
            else:
                length = min(member.size, self.file_bytes + 1)
                self.add(name, data[member.offset_data : member.offset_data + length])

    def zip(self) -> None:
        """Read a .zip; only the members that are wanted are unpacked."""
        with zipfile.ZipFile(self.path) as archive:
            for member in archive.infolist():
                self._from_zip(archive, member)
            comment = archive.comment.decode("ascii", "replace")
        self._strip_top()
        self._name(self.contents.top, comment)

    def _from_zip(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        self._count_member()
        name = member.filename
        mode = member.external_attr >> 16
        if self._is_safe(name) and not member.is_dir() and self._is_wanted(name):
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                self._refuse(name, "a link or device in an archive is not read")
            elif member.flag_bits & 1:
                self._refuse(name, "encrypted")
            else:
                with archive.open(member) as file:
                    self.add(name, self._counted(file.read(self.file_bytes + 1)))

    def add(self, name: str, data: bytes) -> None:
        """Keep a file's text, or the reason why it has none."""
        if name in self.seen:
            self._refuse(name, "stands twice in the archive; the first is read")
            return
        self.seen.add(name)
        if len(data) > self.file_bytes:
            self._refuse(name, f"larger than {self.file_bytes >> 20} MiB")
            return
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._refuse(name, "not UTF-8 text", line)
        else:
            self.contents.files.append(TextFile(name, text.replace("\r\n", "\n")))

    def _refuse(self, name: str, reason: str, line: int = 0) -> None:
        self.contents.files.append(RuleError(reason, Location(name, line)))

    def _is_safe(self, name: str, folder: bool = False) -> bool:
        """Whether a member's name stays below where an archive would be unpacked.

        GitHub's archives begin with the top folder itself, whose name tarfile gives without a
        slash; a file beside it would mean that not everything lies under one folder.
        """
        parts = name.replace("\\", "/").split("/")
        safe = ".." not in parts and parts[0] != "" and ":" not in parts[0]
        if safe:
            self.tops.add(parts[0] if folder or len(parts) > 1 else "")
        else:
            self._refuse(name, "a name that leads out of the archive is not read")
        return safe

    def _is_wanted(self, name: str) -> bool:
        return self.wanted(name) and not any(part.startswith(".") for part in name.split("/"))

    def _count_member(self) -> None:
        self.members += 1
        if self.members > MEMBERS:
            raise self._too_big(f"more than {MEMBERS:,} files")

    def _counted(self, data: bytes) -> bytes:
        self.bytes += len(data)
        if self.bytes > self.most_bytes:
            raise self._too_big(f"more than {self.most_bytes >> 20} MiB")
        return data

    def _too_big(self, what: str) -> LofpError:
        return LofpError(f"{self.path}: holds {what}, so it is no rule archive; download it again.")

    def _strip_top(self) -> None:
        """Take the one folder that holds everything, as in GitHub's archives, off the paths."""
        if len(self.tops) != 1 or "" in self.tops:
            return
        self.contents.top = self.tops.pop()
        start = len(self.contents.top) + 1
        for index, file in enumerate(self.contents.files):
            if isinstance(file, TextFile):
                self.contents.files[index] = replace(file, path=file.path[start:])
            else:
                where = replace(file.location, path=file.location.path[start:])
                self.contents.files[index] = RuleError(file.message, where, file.key)

    def _name(self, top: str, comment: str = "") -> None:
        """Find the commit: GitHub names the folder by it, git writes it into the archive."""
        self.contents.top = top
        for text in (top[-40:], comment):
            if _COMMIT.fullmatch(text):
                self.contents.commit = text
                return


def _printable(name: str) -> str:
    """A name of bytes that are no UTF-8 comes with surrogates, which nothing can print."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
