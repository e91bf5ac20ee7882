"""Rows of a CSV as they go through: which columns are read, where the output goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter

from lofp_enrich.search.answer.enrich import Output

_MV = "__mv_"
_RAW = "_raw"
_MV_VALUE = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;|$)")


class Columns:
    """The columns of a chunk.

    With `multivalue` as splunkd has them, each beside a column `__mv_<name>` that holds a list;
    without, the values of a list are the lines of a cell.
    """

    def __init__(
        self, header: list[str], outputs: list[str], multivalue: bool, prefix: str = ""
    ) -> None:
        """`prefix` begins the names of the fields that are ours: they are never read, and go out
        empty where they are no output.
        """
        self._multivalue = multivalue
        self._came = len(header)
        self.header = list(header)
        place = {name: position for position, name in reversed(list(enumerate(header)))}
        columns = [column for name in outputs for column in (name, _MV + name)[: 1 + multivalue]]
        for column in columns:
            if column not in place:
                place[column] = len(self.header)
                self.header.append(column)
        self._outputs = [place[column] for column in columns]
        of_prefix = (prefix, _MV + prefix) if prefix else ()
        written = frozenset(self._outputs)
        self._emptied = [
            at
            for at, name in enumerate(header)
            if of_prefix and name.startswith(of_prefix) and at not in written
        ]
        new = list(range(self._came, len(self.header)))
        self._appended = self._outputs == new and not self._emptied
        ours = (_MV, "__", *of_prefix)
        names = dict.fromkeys(name for name in header if name and not name.startswith(ours))
        self._read = [(name, place[name], place.get(_MV + name, -1)) for name in names]
        self._raw = place.get(_RAW, -1)
        # What Splunk itself adds (`_time`) is another for each event and says nothing of it.
        told = [(single, multi) for name, single, multi in self._read if not name.startswith("_")]
        read = [at for pair in told for at in pair if at >= 0]
        # Twice one column, for with a single one itemgetter gives no tuple.
        self._key = itemgetter(*read, read[0]) if read else lambda row: ()
        self._names = tuple(name for name, _, _ in self._read)

    def key(self, row: list[str]) -> tuple[object, str]:
        """What an answer depends on, `raw` apart: rows with equal ones get the same answer.

        One text, for it is kept with the answer, and each cell by itself takes four times as much.
        Where a cell holds what stands between cells, how long each is comes behind them.
        """
        if len(row) < self._came:
            row.extend([""] * (self._came - len(row)))
        cells = self._key(row)
        text = "\0".join(cells)
        if text.count("\0") >= len(cells):
            text = "\0".join((text, *(str(len(cell)) for cell in cells)))
        return self._names, text

    def raw(self, row: list[str]) -> str:
        """The event as its product wrote it, empty where that did not come along."""
        return row[self._raw] if self._raw >= 0 else ""

    def values(self, row: list[str]) -> dict[str, tuple[str, ...]]:
        """The values of the fields that are read, without the empty ones; `key` comes first."""
        values = {}
        for field, single, multi in self._read:
            if multi >= 0 and row[multi]:
                values[field] = tuple(_decoded(row[multi]))
            elif row[single]:
                cell = row[single]
                values[field] = (cell,) if self._multivalue else tuple(cell.split("\n"))
        return values

    def cells(self, output: Output) -> list[str]:
        """The output fields as cells in the order of their columns."""
        cells: list[str] = []
        for value in output.values():
            many = isinstance(value, list)
            cells.append("\n".join(value) if isinstance(value, list) else value)
            if self._multivalue:
                cells.append(_encoded(value) if many and len(value) > 1 else "")
        return cells

    def with_output(self, row: list[str], cells: list[str]) -> list[str]:
        """`row` as it came, with the output cells in their places and nothing else that is ours.

        A row may have more cells than the header; those stay at its end.
        """
        if self._appended and len(row) == self._came:
            return row + cells
        surplus = row[self._came :]
        row = row[: self._came] + [""] * (len(self.header) - self._came)
        for at in self._emptied:
            row[at] = ""
        for at, cell in zip(self._outputs, cells):
            row[at] = cell
        return row + surplus


def _decoded(text: str) -> Iterator[str]:
    """The values of `$v1$;$v2$`; a `$` inside a value is doubled there."""
    return (value.replace("$$", "$") for value in _MV_VALUE.findall(text))


def _encoded(values: list[str] | str) -> str:
    return ";".join(f"${value.replace('$', '$$')}$" for value in values)
