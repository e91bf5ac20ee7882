"""Lookup files of many megabytes, of which a search reads the few rows that it asks for.

A search pays for every millisecond before its first event and for every megabyte it holds. Parsing
the whole catalogue takes longer than all else at start-up together. So a file is gone through once
for where its rows begin, and a row is read and parsed when it is wanted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import ADDED, from_cell

csv.field_size_limit(2**31 - 1)
"""A cell of 10 MB is long, not wrong; splunklib sets a limit that ends the search."""


_BUFFER = 1 << 18
"""Bytes that a scan reads at once: rows of the ranking have 30,000, and a row that is put together
of several readings costs five times one that is not."""


class LookupFile:
    """A generated CSV whose rows are single lines, found by their first cells.

    `second` names another column whose cells find rows too, in any case; the cells up to it hold
    neither comma nor quote mark. The file is opened for each row and not held open, for Windows
    does not let a file be replaced that somebody has open. Raises SearchError where it is missing
    or lacks a column.
    """

    def __init__(self, path: Path, columns: Sequence[str], second: str = "") -> None:
        self.name = path.name
        self.damaged = 0
        """Rows passed over because they have too few or too many cells."""
        self._path = path
        self._columns = columns
        self._second = second
        self._second_places: dict[bytes, int | list[int]] | None = None
        self._scan()

    def __len__(self) -> int:
        """How many first cells there are; of entries, as many as there are entries."""
        return len(self._places)

    def by_first_cell(self, key: str) -> Iterator[list[str]]:
        """The rows whose first cell is `key`, which is plain letters, digits, dots and spaces."""
        yield from self._whole(self._rows(key, 0))

    def by_second_cell(self, key: str) -> Iterator[list[str]]:
        """The rows whose cell in the `second` column is `key` in any case, which is plain too."""
        yield from self._whole(self._rows(key.lower(), self._second_at) if self._second_at else ())

    def all_rows(self) -> Iterator[dict[str, str]]:
        """Every row, column -> cell, of the file as it is now: for a small one."""
        try:
            with self._path.open("rb") as file:
                file.readline()
                lines = file.read().splitlines()
        except OSError as error:
            raise self._unreadable(error) from error
        for cells in self._whole(map(_cells, lines)):
            yield dict(zip(self._columns, cells))

    def heads(self, columns: Sequence[str]) -> Iterator[list[str]]:
        """Of every row the cells of `columns` alone: where what stands behind the last of them is
        long and seldom wanted, that takes a fifth of the time of reading all."""
        order = [self._order[self._columns.index(column)] for column in columns]
        most = max(order) + 1
        try:
            with self._path.open("rb") as file:
                file.readline()
                lines = file.read().splitlines()
        except OSError as error:
            raise self._unreadable(error) from error
        for line in lines:
            cells = line.split(b",", most)
            head = line[: len(line) - len(cells[-1])]
            if len(cells) <= most or b'"' in head or b"'" in head or b"\0" in head:
                texts = list(map(from_cell, _cells(line)))
            else:
                texts = head.decode("utf-8", errors="replace").split(",")
            if len(texts) >= most:
                yield [texts[at] for at in order]

    def cells(self, column: str) -> Iterator[str]:
        """The cells of a column, row by row, of the file as it is now."""
        at = self._order[self._columns.index(column)]
        try:
            with self._path.open("rb") as file:
                file.readline()
                for line in file:
                    cells = _cells(line)
                    if len(cells) == self._width:
                        yield from_cell(cells[at])
        except OSError as error:
            raise self._unreadable(error) from error

    def _whole(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        for cells in rows:
            if len(cells) == self._width:
                cells.append("")
                yield [from_cell(cells[column]) for column in self._order]
            else:
                self.damaged += 1

    def _rows(self, key: str, at: int) -> list[list[str]]:
        rows = self._read(key, at)
        if not rows:
            return rows
        if not all(_has(cells, key, at) for cells in rows):
            # The file was replaced since it was scanned: what was a row's beginning is none now.
            self._scan()
            rows = self._read(key, at)
        return [cells for cells in rows if not at or _has(cells, key, at)]

    def _read(self, key: str, at: int) -> list[list[str]]:
        places = (self._by_second() if at else self._places).get(key.encode(), ())
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

    def _by_second(self) -> Mapping[bytes, int | list[int]]:
        """Where rows begin, by the second column; made when first asked for: most searches look
        for no rule by its id."""
        places = self._second_places
        if places is None:
            self._second_places = places = {}
            at = self._second_at
            try:
                with self._path.open("rb") as file:
                    place = len(file.readline())
                    for line in file:
                        cells = line.split(b",", at + 1)
                        if len(cells) > at:
                            _add(places, cells[at].strip(b'"\r\n').lower(), place)
                        place += len(line)
            except OSError as error:
                raise self._unreadable(error) from error
        return places

    def _scan(self) -> None:
        """Notes where rows begin, by key: a number where a single row does, else a list."""
        places: dict[bytes, int | list[int]] = {}
        try:
            with self._path.open("rb", buffering=_BUFFER) as file:
                header = _cells(file.readline().lstrip(b"\xef\xbb\xbf"))
                at = header.index(self._second) if self._second in header else 0
                place = file.tell()
                for line in file:
                    key = line[: line.find(b",")].strip(b'"')
                    if places.setdefault(key, place) is not place:
                        _add(places, key, place)
                    place += len(line)
        except OSError as error:
            raise self._unreadable(error) from error
        missing = [each for each in self._columns if each not in header and each not in ADDED]
        if missing:
            raise SearchError(
                f"{self.name} has no column {missing[0]}; "
                "install the app again or run lofp-enrich build."
            )
        self._places = places
        self._second_places = None
        self._second_at = at
        self._width = len(header)
        # A column that this set of lookups does not have yet is the empty cell behind the last.
        self._order = [
            header.index(column) if column in header else len(header) for column in self._columns
        ]

    def _unreadable(self, error: OSError) -> SearchError:
        return SearchError(
            f"{self.name} cannot be read ({error.strerror}); "
            "install the app again or run lofp-enrich build."
        )


def _add(places: dict[bytes, int | list[int]], key: bytes, place: int) -> None:
    held = places.get(key)
    if held is None:
        places[key] = place
    else:
        places[key] = [*(held if isinstance(held, list) else [held]), place]


def _has(cells: list[str], key: str, at: int) -> bool:
    """Whether the cell is the key; that of the second column in any case."""
    cell = cells[at] if at < len(cells) else None
    return cell == key or (at > 0 and cell is not None and cell.lower() == key)


def _cells(line: bytes) -> list[str]:
    text = line.decode("utf-8", errors="replace").replace("\0", "\ufffd").rstrip("\r\n")
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        return []  # a bare carriage return in the line: no row of ours
