"""The site's own explanations, `lofp_local.csv`: they come before everything a catalogue says."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from lofp_enrich.search.alert.names import rule_keys, title_keys
from lofp_enrich.search.alert.techniques import as_techniques, techniques_of
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import LOCAL, from_cell

_OFF = frozenset(("0", "f", "false", "n", "no", "off"))
_ON = frozenset(("", "1", "t", "true", "y", "yes", "on"))
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MAX_LINES = 50
"""Lines that one row may take."""
_NARROWING = ("technique", "rule", "field", "value", "expires", "enabled")
"""Columns without which a row would be for more alerts than it was written for."""
_WANTED = "give an ID such as T1059.001, ATT&CK's name, several with | between them, or T1059*"
_SEPARATOR = re.compile(r"[|,;\n]")
_TECHNIQUE_PATTERN = re.compile(r"(?:AML\.?|\*)?T?[0-9.*]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Wildcard:
    """A pattern in which `*` stands for anything, in any case.

    Not a regular expression: one with many stars takes for ever on a text that nearly fits.
    """

    def __init__(self, pattern: str) -> None:
        self._parts = pattern.casefold().split("*")

    def fits(self, text: str) -> bool:
        """Whether the whole of `text` fits; every part is looked for once, from left to right."""
        text = text.casefold()
        first, *middle = self._parts
        if not middle:
            return text == first
        last = middle.pop()
        if len(text) < len(first) + len(last) or not text.startswith(first):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return text.endswith(last)


class LocalRow(NamedTuple):
    """An own explanation that is in force; a pattern that is None, and none at all, fits all."""

    statement: str
    technique: tuple[Wildcard, ...]
    rule: tuple[Wildcard, ...]
    field: str
    value: Wildcard | None
    reason: str
    owner: str

    def fits(
        self,
        techniques: Iterable[str],
        rule_names: Iterable[str],
        values: Mapping[str, tuple[str, ...]],
    ) -> bool:
        """Whether every cell that is filled in fits the alert."""
        named = list(techniques) if self.technique else []
        if self.technique and not any(each.fits(name) for each in self.technique for name in named):
            return False
        names = _forms(rule_names) if self.rule else []
        if self.rule and not any(rule.fits(name) for rule in self.rule for name in names):
            return False
        return not self.value or any(map(self.value.fits, values.get(self.field, ())))


class LocalRows(NamedTuple):
    """What `lofp_local.csv` holds: rows in force, counts of the others, one line a faulty row."""

    rows: tuple[LocalRow, ...] = ()
    expired: int = 0
    disabled: int = 0
    faults: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields whose values the rows ask for."""
        return tuple(dict.fromkeys(row.field for row in self.rows if row.value))


def load_local(path: Path, today: date, attack: Attack) -> LocalRows:
    """Reads the site's explanations; a missing file is an empty one.

    `today` (UTC) decides what has expired. Raises SearchError where the file is no such table.
    """
    rows: list[LocalRow] = []
    faults: list[str] = []
    expired = disabled = 0
    for number, row, fault in _rows(path):
        techniques = _techniques(row["technique"], attack)
        fault = fault or _fault(row)
        if not fault and techniques is None:
            fault = f"technique: {row['technique'][:40]} is none; {_WANTED}"
        if fault:
            faults.append(f"{path.name}:{number}: {fault}")
        elif row["enabled"].lower() in _OFF:
            disabled += 1
        elif row["expires"] and row["expires"] < today.isoformat():
            expired += 1
        elif row["statement"]:
            rows.append(_local_row(row, techniques or ()))
    return LocalRows(tuple(rows), expired, disabled, tuple(faults))


def local_fields(path: Path) -> tuple[str, ...]:
    """The fields whose values the site's explanations ask for, in force or not.

    Raises SearchError as `load_local` does.
    """
    rows = [row for _, row, fault in _rows(path) if not (fault or _fault(row))]
    return tuple(dict.fromkeys(row["field"] for row in rows if row["field"]))


def _rows(path: Path) -> list[tuple[int, dict[str, str], str]]:
    """(line, cells by column, what is wrong with the row) for each row of the file."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SearchError(f"{path.name} cannot be read ({error.strerror}).") from error
    (_, header, _), *records = _records(text.replace("\0", "\ufffd")) or [(1, [], "")]
    names = [name.strip().lower() for name in header]
    strange = [name for name in names if name and name not in LOCAL]
    # A column of the site's own does no harm, unless it is one of ours with a slip of the pen.
    if "statement" not in names or (strange and not set(_NARROWING) <= set(names)):
        amiss = f"does not know the column {strange[0][:40]}" if strange else "has no statement"
        raise SearchError(f"{path.name} {amiss}; its header is {','.join(LOCAL)}.")
    blank = dict.fromkeys(LOCAL, "")
    rows = [
        (1, blank, f"the column {name[:40]} is passed over; the known ones are {','.join(LOCAL)}")
        for name in strange
    ]
    for number, cells, fault in records:
        found = {name: from_cell(cell).strip() for name, cell in zip(names, cells)}
        if len(cells) > len(names) or found.pop("", ""):
            fault = "more cells than columns; put quote marks around a cell with a comma"
        known = {name: cell for name, cell in found.items() if name in LOCAL}
        rows.append((number, {**blank, **known}, fault))
    return rows


def _records(text: str) -> list[tuple[int, list[str], str]]:
    """(line, cells, fault) of each record; an open quote mark costs its own line only.

    A cell may hold line breaks, so a record goes on until its quote marks balance; where they never
    do, the first line is at fault and the next one begins a record.
    """
    lines = _LINE.findall(text)
    found: list[tuple[int, list[str], str]] = []
    start = 0
    while start < len(lines):
        for end in range(start + 1, min(start + _MAX_LINES, len(lines)) + 1):
            try:
                cells = next(csv.reader(lines[start:end], strict=True), [])
            except csv.Error:
                continue
            found.append((start + 1, cells, ""))
            start = end
            break
        else:
            found.append((start + 1, [], "a quote mark is not closed, or not doubled in a cell"))
            start += 1
    return found


def _fault(row: Mapping[str, str]) -> str:
    if not row["statement"] and any(row.values()):
        return "statement: is empty"
    if row["expires"] and not _is_date(row["expires"]):
        return f"expires: {row['expires'][:40]} is no date such as 2027-01-31"
    if row["enabled"].lower() not in _OFF | _ON:
        return f"enabled: {row['enabled'][:40]} is neither true nor false"
    if row["value"] and not row["field"]:
        return "field: is empty, and value says what it should hold"
    if row["field"] and not row["value"]:
        return "value: is empty, and field names what it should be the value of"
    if "*" in row["field"]:
        return "field: takes no *, for Splunk is asked for the field by its name"
    return ""


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return bool(_DATE.fullmatch(text))


def _local_row(row: Mapping[str, str], techniques: tuple[Wildcard, ...]) -> LocalRow:
    return LocalRow(
        " ".join(row["statement"].split()),
        techniques,
        _rule_patterns(row["rule"]),
        row["field"],
        Wildcard(row["value"]) if row["field"] else None,
        " ".join(row["reason"].split()),
        row["owner"],
    )


def _techniques(text: str, attack: Attack) -> tuple[Wildcard, ...] | None:
    """The patterns of a cell, of which one must fit; None where a part of it is no technique.

    Techniques are read as those of alerts are. What has a `*` is a pattern as it stands; blank and
    `*` fit all, and give none.
    """
    found: list[str] = []
    for part in filter(None, (part.strip() for part in _SEPARATOR.split(text))):
        if not part.strip("*"):
            return ()
        if "*" in part:
            pattern = part.upper().replace("/", ".")
            if not _TECHNIQUE_PATTERN.fullmatch(pattern):
                return None
            found.append(pattern)
        else:
            named = techniques_of(as_techniques([part]), attack)
            if not named:
                return None
            found += [each.technique for each in named]
    return tuple(map(Wildcard, dict.fromkeys(found)))


def _rule_patterns(text: str) -> tuple[Wildcard, ...]:
    """A rule's name with `*` is a pattern as it stands; without, every form of it fits."""
    if not text.strip("*"):
        return ()
    forms = (text,) if "*" in text else (text, *title_keys(text))
    return tuple(map(Wildcard, forms))


def _forms(rule_names: Iterable[str]) -> list[str]:
    """A rule's name as the alert has it and folded: a pattern may be written for either."""
    return [form for name in rule_names for form in (name, *rule_keys(name))]
