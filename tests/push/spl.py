"""The few commands of SPL that a push uses, and not one more.

Each is as unhelpful as Splunk's documentation allows: empty cells are no values, rows of the KV
store come in no order, a column without a value is not written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any, Callable, Protocol

Record = dict[str, Any]


class SearchFailed(Exception):
    """What splunkd says of a search that it refuses or that fails."""


class Store(Protocol):
    """What searches read and write."""

    def read_csv(self, name: str) -> bytes: ...

    def write_csv(self, name: str, data: bytes) -> None: ...

    def read_collection(self, definition: str) -> list[Record]: ...


def run(spl: str, store: Store) -> list[Record]:
    """The results of a search; raises SearchFailed for all but the searches of a push."""
    first, *rest = _pipeline(spl)
    records = _inputlookup(first, store)
    for command in rest:
        name, _, arguments = command.partition(" ")
        if name == "outputlookup":
            _outputlookup(arguments, records, store)
        elif name in _COMMANDS:
            records = _COMMANDS[name](arguments, records)
        else:
            raise SearchFailed(f"Unknown search command '{name}'.")
    return records


def _pipeline(spl: str) -> list[str]:
    empty, *commands = spl.split("|")
    if empty or not commands:
        raise SearchFailed("Error in 'search' command: only generating searches here.")
    return [command.strip() for command in commands]


def _match(pattern: str, text: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text)
    if not found:
        raise SearchFailed(f"Error in command: cannot parse '{text}'.")
    return found


def _inputlookup(command: str, store: Store) -> list[Record]:
    found = _match(r'inputlookup strict=true (\w+(\.csv)?)(?: where (\w+)="(\w+)")?', command)
    name, is_csv, field, value = found.groups()
    if is_csv and not field:
        data = store.read_csv(name).decode()
        if not data:
            raise SearchFailed(f"The lookup table '{name}' is empty.")
        rows: list[Record] = [*csv.DictReader(io.StringIO(data, newline=""))]
    elif field and not is_csv:
        rows = [row for row in store.read_collection(name) if row.get(field) == value]
    else:
        raise SearchFailed(f"The lookup table '{name}' is invalid.")
    return [{key: cell for key, cell in row.items() if cell != ""} for row in rows]


def _eventstats(arguments: str, records: list[Record]) -> list[Record]:
    (field,) = _match(r"count AS (\w+)", arguments).groups()
    return [{**record, field: len(records)} for record in records]


def _where(arguments: str, records: list[Record]) -> list[Record]:
    field, number = _match(r"(\w+)=(\d+)", arguments).groups()
    return [record for record in records if record.get(field) == int(number)]


def _sort(arguments: str, records: list[Record]) -> list[Record]:
    limit, field = _match(r"(?:(\d+) )?num\((\w+)\)", arguments).groups()
    most = len(records) if limit == "0" else int(limit or 10_000)
    return sorted(records, key=lambda record: float(record[field]))[:most]


def _eval(arguments: str, records: list[Record]) -> list[Record]:
    pairs = [
        _match(r"(\w+)=coalesce\('(\w+)',\"\"\)", each).groups() for each in arguments.split(", ")
    ]
    return [{**record, **{to: record.get(field, "") for to, field in pairs}} for record in records]


def _table(arguments: str, records: list[Record]) -> list[Record]:
    fields = arguments.split(" ")
    return [{field: record[field] for field in fields if field in record} for record in records]


def _stats(arguments: str, records: list[Record]) -> list[Record]:
    _match("count", arguments)
    return [{"count": len(records)}]


def _outputlookup(arguments: str, records: list[Record], store: Store) -> None:
    (name,) = _match(
        r"append=false override_if_empty=false createinapp=true (\w+\.csv)", arguments
    ).groups()
    if not records:
        return
    header = list(dict.fromkeys(key for record in records for key in record))
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(records)
    store.write_csv(name, text.getvalue().encode())


_COMMANDS: Mapping[str, Callable[[str, list[Record]], list[Record]]] = {
    "eventstats": _eventstats,
    "where": _where,
    "sort": _sort,
    "eval": _eval,
    "table": _table,
    "stats": _stats,
}
