"""The text of an alert file: packed or not, and in which encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from typing import Any, TextIO

from lofp_enrich.errors import LofpError

MOST_UNPACKED = 2**29
"""Bytes that a gzip file may unpack to: a small one can hold more than any disk."""

_CHUNK = 2**16
_LOOK = 512
_PACKED = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a spreadsheet; save it as CSV",
    b"PK\x03\x04": "a zip archive; unpack it and name the file that was in it",
    b"BZh": "packed with bzip2; unpack it first (bzip2 -d)",
    b"\xfd7zXZ\x00": "packed with xz; unpack it first (xz -d)",
    b"\x28\xb5\x2f\xfd": "packed with zstd; unpack it first (zstd -d)",
    b"\x1f\x8b": "packed with gzip twice; unpack it first (gzip -d)",
}
_PART_OF_SPREADSHEET = re.compile(rb"\[Content_Types\]\.xml|_rels/|docProps/|xl/|META-INF/mani")
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",  # begins with that of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class _Bytes(io.RawIOBase):
    """A stream whose troubles are sentences, and which ends where it has become too much."""

    def __init__(self, stream: Any, name: str, most: float = float("inf")) -> None:
        self._stream = stream
        self._name = name
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Gives at least a line or what is looked at for a form; a pipe may come byte by byte."""
        found = b""
        try:
            while len(found) < min(_LOOK, len(buffer)) and b"\n" not in found:
                more = self._stream.read1(len(buffer) - len(found))
                found += more
                if not more:
                    break
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise LofpError(
                f"{self._name} is a damaged gzip file ({error}); make or fetch it anew."
            ) from error
        except OSError as error:
            raise LofpError(f"{self._name} cannot be read ({error.strerror}).") from error
        self._left -= len(found)
        if self._left < 0:
            raise LofpError(
                f"{self._name} unpacks to more than {MOST_UNPACKED >> 20} MiB; if it is to be "
                "trusted, give it unpacked: gzip -dc FILE | lofp-enrich enrich"
            )
        buffer[: len(found)] = found
        return len(found)


def text_of(stream: Any, name: str) -> TextIO:
    """The text of a stream of bytes: unpacked, a byte-order mark left out, line breaks as they are.

    What is no text of its encoding is replaced. Raises LofpError where it is no text at all, and
    reading the text does where a gzip file is damaged or unpacks to more than MOST_UNPACKED.
    """
    found = io.BufferedReader(_Bytes(stream, name), _CHUNK)
    if found.peek(_LOOK).startswith(b"\x1f\x8b"):
        unpacked = gzip.GzipFile(fileobj=found, mode="rb")
        found = io.BufferedReader(_Bytes(unpacked, name, MOST_UNPACKED), _CHUNK)
    head = found.peek(_LOOK)
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            if magic == b"PK\x03\x04" and _PART_OF_SPREADSHEET.search(head[:_LOOK]):
                what = "a spreadsheet; save it as CSV"
            raise LofpError(f"{name} is {what}.")
    return io.TextIOWrapper(found, _encoding(head), "replace", "")


def _encoding(head: bytes) -> str:
    for mark, encoding in _BOMS.items():
        if head.startswith(mark):
            return encoding
    # PowerShell's `>` writes UTF-16, and what cuts such a file loses the mark.
    first, second = head[:_LOOK:2], head[1:_LOOK:2]
    if len(second) > 1 and _sparse(first) and _full_of_zeros(second):
        return "utf-16-le"
    if len(second) > 1 and _sparse(second) and _full_of_zeros(first):
        return "utf-16-be"
    return "utf-8-sig"


def _full_of_zeros(data: bytes) -> bool:
    return data.count(0) * 10 >= len(data) * 7


def _sparse(data: bytes) -> bool:
    return data.count(0) * 10 <= len(data)
