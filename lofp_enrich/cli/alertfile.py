"""The alerts of a file or of standard input, in whatever form a product or a person saved them."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import click

from lofp_enrich.cli.alertbytes import text_of
from lofp_enrich.cli.alertjson import (
    LINE_END,
    Unfinished,
    begins_json,
    holds_objects,
    is_json,
    values_from,
    values_of_line,
)
from lofp_enrich.errors import LofpError
from lofp_enrich.search.alert.techniques import ids_in
from lofp_enrich.search.alert.wrappers import OF_MANY, OF_ONE

FORMS = ("jsonl", "csv")
"""What `--format` may say; without it the content decides."""

TOO_DEEP = "an alert that is nested too deep to be written"
"""Stands for what could be read and not be written: Python nests less deep there."""

csv.field_size_limit(2**31 - 1)  # a cell may hold a whole script


class Alert(NamedTuple):
    """One alert, a line that is none, or a blank line."""

    out: dict[str, Any]
    """The alert as it came in, which output fields are added to."""
    read: dict[str, Any]
    """The same without the wrapper that an export put round it."""
    kind: str = "alert"
    """`alert`; `fault` for what should have been one, whose text is in `_raw`; or `blank`."""
    text: str = ""
    """What the alert was made of, where it was made of that alone."""
    row: Sequence[str] = ()
    """The cells of a CSV row: it may have more than the header, or two of a name."""


class Alerts:
    """The alerts in order, to go through once; read as far as that has come, not at once."""

    def __init__(
        self,
        form: str,
        alerts: Iterator[Alert],
        header: Sequence[str] = (),
        delimiter: str = ",",
    ) -> None:
        self.form = form
        """`json`, `text` (each line a `_raw`) or `csv`."""
        self.header = header
        """The names of the columns, as they came, where `form` is `csv`."""
        self.delimiter = delimiter
        """What stands between the cells of the CSV."""
        self._alerts = alerts

    def __iter__(self) -> Iterator[Alert]:
        return self._alerts


@contextmanager
def open_alerts(
    file: Path, form: str | None = None, added: Container[str] = ()
) -> Iterator[Alerts]:
    """The alerts in `file`, where `-` is standard input.

    `form` is one of FORMS or None; `added` are fields that an earlier run may have put beside what
    a wrapper holds. Raises UsageError where the file cannot be opened, LofpError (also while the
    alerts are gone through) where it holds nothing that can be read as alerts.
    """
    name = file.name.lower()
    named_csv = (name[:-3] if name.endswith(".gz") else name).endswith((".csv", ".tsv"))
    if str(file) == "-":
        text = text_of(sys.stdin.buffer, "standard input")
        yield alerts_of(text, form, added=added)
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read ({error.strerror}).") from error
    with opened:
        yield alerts_of(text_of(opened, str(file)), form, named_csv=named_csv, added=added)


# Text: which form it has.


def alerts_of(
    lines: Iterable[str],
    form: str | None = None,
    *,
    named_csv: bool = False,
    added: Container[str] = (),
) -> Alerts:
    """The alerts in a text, given as its lines with their ends.

    Without `form` the content decides: JSON in any layout, a table, or else text of which each
    line is an alert. `named_csv` decides for a table where that could be anything.
    """
    lines = iter(lines)
    if form == "jsonl":
        return Alerts("json", _from_lines(lines, added, each_alone=True))
    if form == "csv":
        return _table(lines)
    held: list[str] = []
    """The lines that were looked at, for those who read them after all."""
    for line in lines:
        held.append(line)
        if line.strip():
            break
    start = held[-1].lstrip("\ufeff \t")[:1] if held else ""
    if start in ("{", "[") and begins_json(held[-1]):
        return Alerts("json", _from_lines(chain(held, lines), added))
    if named_csv or (start not in ("{", "[", "<", "") and _is_table(lines, held)):
        return _table(chain(held, lines))
    if any(map(is_json, held)):
        return Alerts("json", _from_lines(chain(held, lines), added))
    for line in lines:
        held.append(line)
        if is_json(line):
            return Alerts("json", _from_lines(chain(held, lines), added))
    return Alerts("text", map(_raw, held))


def _raw(line: str, kind: str = "alert") -> Alert:
    text = line.rstrip("\r\n")
    return Alert({"_raw": text}, {"_raw": text}, kind, text) if text.strip() else _BLANK


_BLANK = Alert({}, {}, "blank")


# JSON: values one after another, on a line each or over many.

_FALSE_STARTS = 50
"""How often all that follows is read in vain for the end of a value that began on a line."""


def _from_lines(
    lines: Iterator[str], added: Container[str], each_alone: bool = False
) -> Iterator[Alert]:
    """The alerts of JSON, read line by line until a value goes on after the end of its line."""
    for line in lines:
        if not line.strip():
            yield _BLANK
            continue
        try:
            yield from _alerts_in(values_of_line(line), line, added)
        except Unfinished:
            if not each_alone:
                yield from _from_text("".join(chain([line], lines)), added)
                return
            yield _raw(line, "fault")
        except (ValueError, RecursionError):
            yield _raw(line, "fault")


def _from_text(text: str, added: Container[str]) -> Iterator[Alert]:
    """The same where values are laid out over many lines; a line that is no part of one is a fault.

    A value without an end costs the line on which it began, and what follows is read anew.
    """
    at, tries = 0, _FALSE_STARTS
    while at < len(text):
        found = LINE_END.search(text, at)
        end = found.end() if found else len(text)
        line = text[at:end]
        try:
            values = values_of_line(line) if line.strip() else []
        except Unfinished:
            try:
                values, end = values_from(text, at) if tries else ([None], end)
            except (ValueError, RecursionError):
                tries -= 1
                values = [None]
        except (ValueError, RecursionError):
            values = [None]
        if not values:
            yield _BLANK
        elif all(map(holds_objects, values)):
            yield from _alerts_in(values, text[at:end], added)
        else:
            yield _raw(text[at:end], "fault")
        at = end


# Wrappers: what exports put round alerts.

_ENVELOPE = frozenset(
    """
    preview offset lastrow init_offset messages fields highlighted post_process_count
    took timed_out _shards _clusters num_reads _scroll_id pit_id terminated_early
    max_score aggregations _index _id _score _type _version _seq_no _primary_term
    _routing _ignored sort highlight found total count next previous next_page nextLink
    next_token NextToken meta paging pagination page page_size per_page limit has_more errors
    """.split()
)
"""What stands beside the alerts in an export; anything else beside them, and it is an alert."""


def _alerts_in(values: list[Any], text: str, added: Container[str]) -> Iterator[Alert]:
    """The alerts of JSON values, of which `holds_objects` is true."""
    for value in values:
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                yield _raw(_dumped(each), "fault")
                continue
            inside = _many(each, added)
            if inside is not None:
                yield from (Alert(one, _one(one, added)) for one in inside)
            elif each is value and len(values) == 1:
                yield Alert(each, _one(each, added), text=text.rstrip("\r\n"))
            else:
                yield Alert(each, _one(each, added))


def _dumped(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        return TOO_DEEP


def _many(value: Mapping[str, Any], added: Container[str]) -> list[dict[str, Any]] | None:
    """The alerts that a wrapper of several holds, None where it is no such wrapper."""
    for key in OF_MANY:
        held = value.get(key)
        if key == "hits" and isinstance(held, dict) and _is_wrapper(held, key, added):
            held = held.get("hits")  # Elasticsearch has one in the other
        if (
            isinstance(held, list)
            and all(isinstance(each, dict) for each in held)
            and _is_wrapper(value, key, added)
        ):
            return held
    return None


def _one(value: dict[str, Any], added: Container[str]) -> dict[str, Any]:
    """What an alert is without the wrappers of one: an export of an export has two."""
    for key in (*OF_ONE, *OF_ONE):
        held = value.get(key)
        if isinstance(held, dict) and _is_wrapper(value, key, added):
            value = held
    return value


def _is_wrapper(value: Mapping[str, Any], key: str, added: Container[str]) -> bool:
    return all(
        name == key or name in _ENVELOPE or name in added or name.startswith("@odata.")
        for name in value
    )


# Tables.

_DELIMITERS = ",;\t"
_NAME = re.compile(r"[\w .\-{}&/:@#()]{1,80}")
_LETTER = re.compile(r"[^\W\d_]")
_QUOTED = re.compile(r'"(?:[^"]|"")*"?')
_ROWS_LOOKED_AT = 6


def _delimiter(header: str) -> str:
    """What occurs most outside quotes in the first line."""
    return max(_DELIMITERS, key=_QUOTED.sub("", header).count)


def _reader(lines: Iterator[str]) -> tuple[Iterator[list[str]], str]:
    # Before 3.11, csv cannot read a zero byte.
    lines = (line.replace("\0", "\ufffd") for line in lines)
    first = next((line for line in lines if line.strip()), "")
    delimiter = _delimiter(first)
    return csv.reader(chain([first], lines), delimiter=delimiter), delimiter


def _is_table(lines: Iterator[str], held: list[str]) -> bool:
    """Whether names stand above rows of as many cells; lines that this looks at go to `held`."""

    def looked_at() -> Iterator[str]:
        for line in lines:
            held.append(line)
            yield line

    rows, _ = _reader(chain(tuple(held), looked_at()))
    try:
        header, *below = (row for row, _ in zip(rows, range(_ROWS_LOOKED_AT)))
    except (csv.Error, ValueError):
        return False
    named = all(_NAME.fullmatch(cell) and _LETTER.search(cell) for cell in header)
    # A table that lacks its header begins with an alert, which must not be taken for names.
    return (
        len(header) > 1
        and named
        and not any(map(ids_in, header))
        and bool(below)
        and all(len(row) == len(header) for row in below if row)
    )


def _table(lines: Iterator[str]) -> Alerts:
    rows, delimiter = _reader(lines)
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise _no_csv(error) from error
    if not header:
        raise LofpError("the CSV has no header; its first line must name the fields.")
    return Alerts("csv", _from_rows(rows, header), header, delimiter)


def _from_rows(rows: Iterator[list[str]], header: Sequence[str]) -> Iterator[Alert]:
    try:
        for row in rows:
            cells: dict[str, Any] = {}
            for name, cell in zip(header, row):
                cells.setdefault(name, cell)
            # Several values of a field are the lines of its cell.
            read = {name: LINE_END.split(cell) for name, cell in cells.items() if cell}
            yield Alert(cells, read, row=row)
    except csv.Error as error:
        raise _no_csv(error) from error


def _no_csv(error: csv.Error) -> LofpError:
    return LofpError(f"the file is no CSV ({error}); give --format jsonl?")
