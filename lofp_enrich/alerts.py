"""Alerts outside Splunk: JSON lines or CSV in, the same out with the output fields added."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from lofp_enrich.errors import LofpError
from lofp_enrich.search.enrich import Enricher, Output

Alert = dict[str, Any]

_SEPARATOR = "\n"
"""Splunk joins the values of a multivalue field with line breaks where a column holds one text."""


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
    """One line out for each line in, in order; gives how many lines were no JSON object.

    Such a line goes out with a status that says so, as does one in a search.
    """
    faulty = 0
    for line in lines:
        try:
            alert = json.loads(line)
            if not isinstance(alert, dict):
                raise ValueError
        except (ValueError, RecursionError):
            faulty += 1
            alert = {"_raw": line.rstrip("\r\n"), "lofp_status": "no JSON object"}
            out.write(_json(alert))
            continue
        for output in enricher.outputs(values_of(alert)):
            out.write(_json({**alert, **output}))
    return faulty


def enrich_csv(file: TextIO, out: TextIO, enricher: Enricher) -> int:
    """One row out for each row in; lists are joined with line breaks. Gives 0: any CSV is rows.

    Raises LofpError where there is no header.
    """
    reader = csv.reader(file)
    header = next(reader, None)
    if not header:
        raise LofpError("the CSV has no header; its first line must name the fields.")
    columns = list(dict.fromkeys([*header, *enricher.output_fields]))
    writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in reader:
        alert = dict(zip(header, row))
        values = {name: tuple(cell.split(_SEPARATOR)) for name, cell in alert.items() if cell}
        for output in enricher.outputs(values):
            writer.writerow({**alert, **_cells(output)})
    return 0


def _cells(output: Output) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else _SEPARATOR.join(value)
        for name, value in output.items()
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return value if isinstance(value, str) else json.dumps(value)


def _json(alert: Mapping[str, Any]) -> str:
    # ASCII only: a lone surrogate in an alert comes back as the escape it came in as.
    return json.dumps(alert) + "\n"
