"""Alerts outside Splunk: each goes out as it came in, with the output fields added.

Fields that begin with the prefix are ours: what an alert brings along under such a name is neither
read nor passed on, for nobody could tell it from an answer.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple, TextIO

from rich.console import Console

from lofp_enrich.cli.alertfile import TOO_DEEP, Alert, Alerts
from lofp_enrich.cli.show import QUESTION, print_alert_heading, print_explanations, title_of
from lofp_enrich.search.alert.reader import read
from lofp_enrich.search.answer.enrich import Enricher, Output
from lofp_enrich.search.answer.explanation import Explanation
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.columns import OUTPUT_OF_ALERT, to_cell
from lofp_enrich.search.splunk.rows import Columns

UNREAD = ("no_technique", "no_catalogue", "error")
"""The statuses of an alert in which nothing was found to go by."""

_NONE = "-"
"""Stands for nothing in a list of the output; a cell of it alone is no formula."""
_UNEXPLAINED = {
    "no_match": "no harmless cause is known",
    "no_technique": "names no technique, and no rule that is known",
    "no_catalogue": "a lookup file is missing or damaged",
    "error": "could not be read",
}


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


def one_each(output: Output, prefix: str) -> Output:
    """What `expand` gives, with a text in place of each list of one: there is one explanation."""
    lists = {prefix + name for name in OUTPUT_OF_ALERT}
    return {
        name: value if isinstance(value, str) or name in lists else "".join(value[:1])
        for name, value in output.items()
    }


def explanations_in(outputs: Iterable[Output], prefix: str) -> list[Explanation]:
    """The explanations that the output fields of `output=full` and `expand` hold."""
    found = []
    for output in outputs:
        texts = {n: str(one_each(output, prefix)[prefix + n]) for n in Explanation._fields}
        if texts["statement"]:
            found.append(Explanation(**{n: "" if t == _NONE else t for n, t in texts.items()}))
    return found


def show_alerts(alerts: Alerts, out: TextIO, enricher: Enricher, attack: Attack) -> Tally:
    """Prints the explanations of each alert for a person; `output=full` and `expand` must be set.

    What was no alert is said in its place. Raises as `enrich_alerts` does.
    """
    console, prefix = Console(file=out, highlight=False), enricher.prefix
    count = faults = was_read = explained = 0
    for alert in alerts:
        if alert.kind == "blank":
            continue
        count += 1
        outputs: tuple[Output, ...] = (enricher.bare_output("error"),)
        if alert.kind == "fault":
            faults += 1
        else:
            outputs = enricher.outputs(_foreign(alert.read, prefix))
        was_read += _was_read(outputs, enricher)
        status, total = (str(outputs[0][prefix + name]) for name in ("status", "count"))
        title = alert.text
        if status != "error":
            title = title_of(read(_foreign(alert.read, prefix), attack))
        techniques = outputs[0][prefix + "techniques"]
        print_alert_heading(console, count, title, techniques, attack)
        found = explanations_in(outputs, prefix)
        explained += bool(found)
        print_explanations(console, found, attack)
        known = f"{len(found)} of {int(total):,} explanations"
        console.print(known if found else _UNEXPLAINED[status], style="dim")
        console.print()
    if explained:
        of_all = f"{explained:,} of {count:,} alerts explained"
        console.print(f"{of_all}; an explanation is {QUESTION}", soft_wrap=True)
    return Tally(count, faults, was_read)


def enrich_alerts(
    alerts: Alerts,
    out: TextIO,
    enricher: Enricher,
    *,
    as_json: bool = False,
    expand: bool = False,
) -> Tally:
    """Writes each alert with its output fields, in order: rows for CSV, else JSON lines.

    `as_json` writes lines for CSV, too; `expand` is the enricher's.
    A fault goes out as `_raw` with the status `error`; a blank line stays blank. Raises LofpError
    where the alerts do, after those that came before.
    """
    if alerts.form == "csv" and not as_json:
        return _enrich_csv(alerts, out, enricher)
    return _enrich_json(alerts, out, enricher, expand)


def _enrich_json(alerts: Iterable[Alert], out: TextIO, enricher: Enricher, expand: bool) -> Tally:
    count = faults = was_read = 0
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
            if expand:
                outputs = tuple(one_each(each, enricher.prefix) for each in outputs)
            out_again = _out_again(alert.out, alert.read, foreign, enricher.prefix)
            # Writing nests as deep as reading, and may find less room for it.
            made = [_json({**out_again, **each}) for each in outputs]
        except (ValueError, RecursionError):
            faults += 1
            text = alert.text or TOO_DEEP
            out.write(_json({"_raw": text, **enricher.bare_output("error")}))
            continue
        was_read += _was_read(outputs, enricher)
        out.writelines(made)
    return Tally(count, faults, was_read)


def _enrich_csv(alerts: Alerts, out: TextIO, enricher: Enricher) -> Tally:
    prefix = enricher.prefix
    table = Columns(list(alerts.header), enricher.output_fields, multivalue=False, prefix=prefix)
    write = csv.writer(out, delimiter=alerts.delimiter, lineterminator="\n").writerow
    write(table.header)
    count = was_read = 0
    for alert in alerts:
        row = list(alert.row)
        table.key(row)  # makes a short row as long as the header
        outputs = enricher.outputs(_foreign(alert.read, prefix))
        count += 1
        was_read += _was_read(outputs, enricher)
        for output in outputs:
            write(table.with_output(row, [_guarded(cell) for cell in table.cells(output)]))
    return Tally(count, 0, was_read)


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
