"""Lookup files of many megabytes, of which a search reads the few rows that it asks for.

A search pays for every millisecond before its first event and for every megabyte it holds. Parsing
the whole catalogue takes longer than all else at start-up together. So a file is gone through once
for where its rows begin, and a row is read and parsed when it is wanted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import from_cell

csv.field_size_limit(2**31 - 1)
"""A cell of 10 MB is long, not wrong; splunklib sets a limit that ends the search."""


class LookupFile:
    """A generated CSV whose rows are single lines, found by their first cells.

    The file is opened for each row and not held open, for Windows does not let a file be replaced
    that somebody has open. Raises SearchError where it is missing or lacks a column.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.name = path.name
        self.damaged = 0
        """Rows passed over because they have too few or too many cells."""
        self._path = path
        self._columns = columns
        self._scan()

    def by_first_cell(self, key: str) -> Iterator[list[str]]:
        """The rows whose first cell is `key`, which is plain letters, digits, dots and spaces."""
        for cells in self._rows(key):
            if len(cells) == self._width:
                yield [from_cell(cells[column]) for column in self._order]
            else:
                self.damaged += 1

    def _rows(self, key: str) -> list[list[str]]:
        rows = self._read(key)
        if any(cells[:1] != [key] for cells in rows):
            # The file was replaced since it was scanned: what was a row's beginning is none now.
            self._scan()
            rows = self._read(key)
        return rows

    def _read(self, key: str) -> list[list[str]]:
        places = self._places.get(key.encode(), ())
        if not places:
            return []
        rows = []
        try:
            with self._path.open("rb") as file:
                for place in (places,) if isinstance(places, int) else places:
                    file.seek(place)
                    rows.append(_cells(file.readline()))
        except OSError as error:
            raise self._unreadable(error) from error
        return rows

    def _scan(self) -> None:
        """Notes where rows begin, by first cell: a number where a single row does, else a list."""
        places: dict[bytes, int | list[int]] = {}
        try:
            with self._path.open("rb") as file:
                header = _cells(file.readline().lstrip(b"\xef\xbb\xbf"))
                place = file.tell()
                for line in file:
                    key = line[: line.find(b",")].strip(b'"')
                    held = places.setdefault(key, place)
                    if held is not place:
                        places[key] = [*(held if isinstance(held, list) else [held]), place]
                    place += len(line)
        except OSError as error:
            raise self._unreadable(error) from error
        missing = [column for column in self._columns if column not in header]
        if missing:
            raise SearchError(
                f"{self.name} has no column {missing[0]}; "
                "install the app again or run lofp-enrich build."
            )
        self._places = places
        self._width = len(header)
        self._order = [header.index(column) for column in self._columns]

    def _unreadable(self, error: OSError) -> SearchError:
        return SearchError(
            f"{self.name} cannot be read ({error.strerror}); "
            "install the app again or run lofp-enrich build."
        )


def _cells(line: bytes) -> list[str]:
    text = line.decode("utf-8", errors="replace").replace("\0", "\ufffd").rstrip("\r\n")
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        return []  # a bare carriage return in the line: no row of ours
