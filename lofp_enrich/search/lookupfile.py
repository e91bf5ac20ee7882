"""Lookup files read at start-up in a blink: whole as bytes, parsed row by row when asked for.

A search pays for every millisecond before its first event. Parsing the whole catalogue takes longer
than all else at start-up together, and an alert asks for a few hundred of its rows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from lofp_enrich.search.columns import from_cell
from lofp_enrich.search.errors import SearchError

csv.field_size_limit(2**31 - 1)
"""A cell of 10 MB is long, not wrong; splunklib sets a limit that ends the search."""


class LookupFile:
    """A generated CSV whose rows are single lines: `with_text` and `by_first_cell` find rows.

    Raises SearchError where the file is missing, empty or lacks a column.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.name = path.name
        self.damaged = 0
        """Rows passed over because they have too few or too many cells."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SearchError(
                f"{path.name} cannot be read ({error.strerror}); "
                "install the app again or run lofp-enrich build."
            ) from error
        self._data = b"\n" + data
        header = _cells(data[: data.find(b"\n") % (len(data) + 1)].lstrip(b"\xef\xbb\xbf"))
        missing = [column for column in columns if column not in header]
        if missing:
            raise SearchError(
                f"{path.name} has no column {missing[0]}; "
                "install the app again or run lofp-enrich build."
            )
        self._width = len(header)
        self._order = [header.index(column) for column in columns]
        self._keys: dict[bytes, list[int]] = {}

    def with_text(self, text: str) -> Iterator[list[str]]:
        """The rows that hold `text` in some cell, in the file's order."""
        needle = text.encode()
        data = self._data
        at = data.find(needle, self._end_of_line(1))
        while at >= 0:
            end = self._end_of_line(at)
            yield from self._row(data.rfind(b"\n", 0, at) + 1, end)
            at = data.find(needle, end)

    def by_first_cell(self, key: str) -> Iterator[list[str]]:
        """The rows whose first cell is `key`, which is plain letters, digits and spaces."""
        if not self._keys:
            self._keys = self._first_cells()
        for start in self._keys.get(key.encode(), ()):
            yield from self._row(start, self._end_of_line(start))

    def _first_cells(self) -> dict[bytes, list[int]]:
        data = self._data
        found: dict[bytes, list[int]] = {}
        start = self._end_of_line(1) + 1
        while 0 < start < len(data):
            key = data[start : data.find(b",", start)].strip(b'"')
            found.setdefault(key, []).append(start)
            start = data.find(b"\n", start) + 1
        return found

    def _end_of_line(self, start: int) -> int:
        end = self._data.find(b"\n", start)
        return end if end >= 0 else len(self._data)

    def _row(self, start: int, end: int) -> Iterator[list[str]]:
        cells = _cells(self._data[start:end])
        if len(cells) == self._width:
            yield [from_cell(cells[column]) for column in self._order]
        else:
            self.damaged += 1


def _cells(line: bytes) -> list[str]:
    text = line.decode("utf-8", errors="replace").replace("\0", "\ufffd").rstrip("\r")
    return next(csv.reader([text]), [])
