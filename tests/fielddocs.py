"""docs/fields.md, made from the table of field names.

python -m tests.fielddocs    writes the page
"""

from __future__ import annotations

from collections.abc import Iterator

from lofp_enrich.search.alert.fields import ATTRIBUTES, SPLUNK, TABLE, Row
from tests.conftest import CHECKOUT

PAGE = CHECKOUT / "docs" / "fields.md"
HEAD = """\
# Which fields are read

Names are compared by their end, whatever their case, separators and `{}`: `CommandLine` is found in
`winlog.event_data.CommandLine` and in `command_line`, nested JSON and what Splunk makes of it are
the same, and a field nearer to the top goes before one further down. Words that stand before a name
can turn its meaning (a `parent.` makes a process the parent, `grandparent.` and `threat.indicator.`
make it nobody's), and a value must have the shape of what it is taken for.

In each table the earlier row wins, and of one row all values are taken. `=` before a name: it is
one part of a field's name and not two. `^` before a name: nothing but wrappers (`event.`,
`result.`, `alert.`, `data.` and the like) may stand before it. `lofp-enrich inspect` shows what was
read of an alert of yours, and from which fields.

This page is made by `python -m tests.fielddocs`.
"""
NARROW = """\
## What splunkd is asked for

Unless a search says `narrow=false`, the command has Splunk send these fields, those that the search
names in an option, and `_raw`, from which all else is read where these say too little. The macros
and workflow actions name them, too. A field that is neither here nor in `_raw` is read with
`narrow=false` only.

| read as | fields |
|---|---|
"""


def page() -> str:
    """The page for the tables as they are."""
    sections = (f"## {attribute}\n\n{_table(attribute)}" for attribute in ATTRIBUTES)
    asked = "".join(f"| {attribute} | {_code(names)} |\n" for attribute, names in SPLUNK.items())
    return "\n".join((HEAD, *sections, NARROW + asked))


def _table(attribute: str) -> str:
    rows = "".join(_lines(attribute))
    return f"| names | seen in |\n|---|---|\n{rows}"


def _lines(attribute: str) -> Iterator[str]:
    for row in TABLE:
        if row.attribute == attribute:
            yield f"| {_code(row.names.split())} | {_seen(row)} |\n"


def _seen(row: Row) -> str:
    return f"{row.seen} (only a value of the shape `{row.shape}`)" if row.shape else row.seen


def _code(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_bytes(page().encode())
