"""Alerts outside Splunk: each goes out as it came in, with the output fields added.

Fields that begin with the prefix are ours: what an alert brings along under such a name is neither
read nor passed on, for nobody could tell it from an answer.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple, TextIO

from lofp_enrich.cli.alertfile import TOO_DEEP, Alert, Alerts
from lofp_enrich.search.answer.enrich import Enricher, Output
from lofp_enrich.search.knowledge.columns import to_cell
from lofp_enrich.search.splunk.rows import Columns

UNREAD = ("no_technique", "no_catalogue", "error")
"""The statuses of an alert in which nothing was found to go by."""

_NONE = "-"
"""Stands for nothing in a list of the output; a cell of it alone is no formula."""


class Tally(NamedTuple):
    """What became of the alerts."""

    alerts: int = 0
    """All that came in, with the faults."""
    faults: int = 0
    """What was no JSON object, or nested too deep to be written."""
    read: int = 0
    """Those that had something to go by."""


class Ours(Container[str]):
    """All names that begin with the prefix, and so what an earlier run put beside an alert."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith(self._prefix)


def enrich_alerts(alerts: Alerts, out: TextIO, enricher: Enricher) -> Tally:
    """Writes each alert with its output fields, in order: rows for CSV, else JSON lines.

    A fault goes out as `_raw` with the status `error`; a blank line stays blank. Raises LofpError
    where the alerts do, after those that came before.
    """
    if alerts.form == "csv":
        return _enrich_csv(alerts, out, enricher)
    return _enrich_json(alerts, out, enricher)


def _enrich_json(alerts: Iterable[Alert], out: TextIO, enricher: Enricher) -> Tally:
    count = faults = read = 0
    for alert in alerts:
        if alert.kind == "blank":
            out.write("\n")
            continue
        count += 1
        try:
            if alert.kind == "fault":
                raise ValueError
            foreign = _foreign(alert.read, enricher.prefix)
            outputs = enricher.outputs(foreign)
            out_again = _out_again(alert.out, alert.read, foreign, enricher.prefix)
            # Writing nests as deep as reading, and may find less room for it.
            made = [_json({**out_again, **each}) for each in outputs]
        except (ValueError, RecursionError):
            faults += 1
            text = alert.text or TOO_DEEP
            out.write(_json({"_raw": text, **enricher.bare_output("error")}))
            continue
        read += _was_read(outputs, enricher)
        out.writelines(made)
    return Tally(count, faults, read)


def _enrich_csv(alerts: Alerts, out: TextIO, enricher: Enricher) -> Tally:
    prefix = enricher.prefix
    table = Columns(list(alerts.header), enricher.output_fields, multivalue=False, prefix=prefix)
    write = csv.writer(out, delimiter=alerts.delimiter, lineterminator="\n").writerow
    write(table.header)
    count = read = 0
    for alert in alerts:
        row = list(alert.row)
        table.key(row)  # makes a short row as long as the header
        outputs = enricher.outputs(_foreign(alert.read, prefix))
        count += 1
        read += _was_read(outputs, enricher)
        for output in outputs:
            write(table.with_output(row, [_guarded(cell) for cell in table.cells(output)]))
    return Tally(count, 0, read)


def _foreign(fields: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The fields that are not ours."""
    return {name: value for name, value in fields.items() if not name.startswith(prefix)}


def _out_again(out: Any, read: object, foreign: dict[str, Any], prefix: str) -> dict[str, Any]:
    """`out` without what is ours, beside the alert and in it: in a wrapper, it is `read`."""
    if out is read:
        return foreign
    return {
        name: _out_again(value, read, foreign, prefix) if isinstance(value, dict) else value
        for name, value in _foreign(out, prefix).items()
    }


def _was_read(outputs: tuple[Output, ...], enricher: Enricher) -> bool:
    status = enricher.output_fields[0]
    return any(output[status] not in UNREAD for output in outputs)


def _guarded(cell: str) -> str:
    """A cell of ours that no spreadsheet takes for a formula; the user's own go as they came."""
    return cell if set(cell.split("\n")) == {_NONE} else to_cell(cell)


def _json(alert: Mapping[str, Any]) -> str:
    # ASCII only: a lone surrogate in an alert comes back as the escape it came in as.
    return json.dumps(alert) + "\n"
