"""Alerts outside Splunk: JSON lines or CSV in, the same out with the output fields added."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from lofp_enrich.errors import LofpError
from lofp_enrich.search.answer.enrich import Enricher
from lofp_enrich.search.splunk.rows import Columns


def values_of(alert: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """An alert as the search command sees it: field -> texts; nested JSON as its text."""
    found = {}
    for field, value in alert.items():
        texts = tuple(_text(each) for each in (value if isinstance(value, list) else [value]))
        texts = tuple(text for text in texts if text)
        if texts:
            found[field] = texts
    return found


def enrich_jsonl(lines: Iterable[str], out: TextIO, enricher: Enricher) -> int:
    """One line out for each line in, in order; gives how many were no JSON object.

    Such a line goes out as `_raw`, with the status `error`; a blank one stays blank.
    """
    faulty = 0
    for line in lines:
        if not line.strip():
            out.write("\n")
            continue
        try:
            alert = json.loads(line, parse_float=_number)
            if not isinstance(alert, dict):
                raise ValueError
            # Writing nests as deep as reading, and may find less room for it.
            made = [_json({**alert, **each}) for each in enricher.outputs(values_of(alert))]
        except (ValueError, RecursionError):
            faulty += 1
            output = enricher.bare_output("error")
            out.write(_json({"_raw": line.rstrip("\r\n"), **output}))
            continue
        out.writelines(made)
    return faulty


def enrich_csv(file: TextIO, out: TextIO, enricher: Enricher) -> int:
    """One row out for each row in; the values of a list are the lines of a cell.

    Gives 0, for any CSV is rows. Raises LofpError where there is no header or it is no CSV.
    """
    try:
        rows = csv.reader(line.replace("\0", "\ufffd") for line in file)
        header = next(rows, None)
        if not header:
            raise LofpError("the CSV has no header; its first line must name the fields.")
        table = Columns(header, enricher.fields, enricher.output_fields, multivalue=False)
        write = csv.writer(out, lineterminator="\n").writerow
        write(table.header)
        for row in rows:
            table.key(row)  # makes a short row as long as the header
            for output in enricher.outputs(table.values(row)):
                write(table.with_output(row, table.cells(output)))
    except csv.Error as error:
        raise LofpError(f"the file is no CSV ({error}); give --format jsonl?") from error
    return 0


def _number(text: str) -> float | str:
    """A number, or the text of one that Python has no number for: JSON knows no Infinity."""
    number = float(text)
    return number if number - number == 0 else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _json(alert: Mapping[str, Any]) -> str:
    # ASCII only: a lone surrogate in an alert comes back as the escape it came in as.
    return json.dumps(alert) + "\n"
