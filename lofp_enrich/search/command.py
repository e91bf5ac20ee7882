"""`| lofpenrich`: the search command, a thin skin of splunklib over `enrich`.

splunkd starts one process that may serve many chunks. splunklib's reading and writing of records
is left out, for it makes a dict of every event and takes a chunk's columns from its first record;
rows go through as they came, with the output fields beside them.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from splunklib.searchcommands import Configuration, Option, StreamingCommand

from lofp_enrich.search.enrich import Enricher, Output, Values, output_fields
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.index import LookupIndex
from lofp_enrich.search.local import LocalRows, load_local, local_fields
from lofp_enrich.search.options import LISTS, NAMES, Options, parse

LOOKUPS = Path(__file__).resolve().parents[4] / "lookups"
"""`<app>/lookups`, seen from `<app>/bin/lib/lofp_enrich/search/`: on an indexer the app lies in the
knowledge bundle, so neither SPLUNK_HOME nor the app's name lead there."""

_MV = "__mv_"
_MV_VALUE = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;|$)")


@Configuration()
class LofpEnrichCommand(StreamingCommand):  # type: ignore[misc]
    """Puts the known harmless explanations of an alert on the alert."""

    technique_field = Option()
    rule_field = Option()
    context_fields = Option()
    source = Option()
    product = Option()
    kind = Option()
    match = Option()
    output = Option()
    max = Option()
    min_score = Option()
    prefix = Option()
    expand = Option()
    narrow = Option()
    distributed = Option()

    def __init__(self) -> None:
        super().__init__()
        self._parsed = Options()
        self._given: dict[str, str] = {}
        self._list = ""
        self._enricher: Enricher | None = None
        self._trouble = ""
        self._warned: set[str] = set()

    def _protocol_v2_option_parser(self, arg: str) -> list[str]:
        """Refuses what is no option of ours, splunklib's own `record` and `logging_*` included."""
        name, equals, value = arg.partition("=")
        if not equals and self._list:
            # splunkd takes an unquoted technique_field=a,b apart at the comma.
            self._given[self._list] += f",{arg}"
            return [self._list, self._given[self._list]]
        if not equals:
            self._refuse(f'"{arg[:100]}" is no option; did you mean technique_field={arg[:100]}?')
        if name not in NAMES:
            self._refuse(f"{name[:100]} is no option of lofpenrich; it knows {', '.join(NAMES)}.")
        self._list = name if name in LISTS else ""
        self._given[name] = value
        return [name, value]

    def prepare(self) -> None:
        """Checks the options and tells splunkd which fields are wanted."""
        try:
            self._parsed = parse(self._given)
        except SearchError as error:
            self._refuse(str(error))
        self.configuration.distributed = self._parsed.distributed
        if self._parsed.narrow and not self._parsed.expand:
            self.configuration.required_fields = self._wanted_fields()

    def stream(self, records: Any) -> Any:
        """Never called: `_execute_chunk_v2` works on rows. splunklib insists that it is there."""
        return records

    def _wanted_fields(self) -> list[str]:
        parsed = self._parsed
        fields = (*parsed.technique_field, *parsed.rule_field, *parsed.context_fields)
        # Outputs too: the recorded splunkd listed the field it let the command add.
        return list(dict.fromkeys((*fields, *self._local_fields(), *output_fields(parsed))))

    def _local_fields(self) -> tuple[str, ...]:
        try:
            return local_fields(LOOKUPS / "lofp_local.csv")
        except SearchError:
            return ()  # said once, by the first chunk

    def _execute_chunk_v2(self, process: Any, chunk: tuple[Any, str]) -> None:
        body = chunk[1]
        if "\0" in body:
            # Python 3.9 and 3.10: csv.Error "line contains NUL", which would end the search.
            body = body.replace("\0", "\ufffd")
        rows = csv.reader(io.StringIO(body, newline=""))
        header = next(rows, None)
        if not header:
            return
        writer = self._record_writer
        table = Table(header, self._fields(), output_fields(self._parsed))
        # "\r\n", for a writer that ends rows with "\n" leaves a lone "\r" in a cell unquoted.
        out = csv.writer(writer._buffer, lineterminator="\r\n")
        out.writerow(table.header)
        for row in rows:
            for output in self._outputs(table.values(row)):
                out.writerow(table.with_output(row, output))
                writer._pending_record_count += 1
        for damage in self._enricher.damaged if self._enricher else ():
            self._warn_once(damage)

    def _fields(self) -> tuple[str, ...]:
        if self._enricher is None and not self._trouble:
            try:
                self._enricher = self._load()
            except SearchError as error:
                self._trouble = str(error)
                self.write_error(f"lofpenrich: {error} Events pass through without explanations.")
        return self._enricher.fields if self._enricher else ()

    def _load(self) -> Enricher:
        index = LookupIndex.load(LOOKUPS)
        try:
            local = load_local(LOOKUPS / "lofp_local.csv", _today(), index.attack)
        except SearchError as error:
            self._warn_once(str(error))
            local = LocalRows()
        for fault in local.faults:
            self._warn_once(fault)
        return Enricher(index, local, self._parsed)

    def _outputs(self, values: Values) -> tuple[Output, ...]:
        if self._enricher is None:
            return (self._bare("no_catalogue"),)
        try:
            outputs = self._enricher.outputs(values)
        except Exception as error:  # one odd event must not cost the others
            self._warn_once(f"an event could not be enriched: {type(error).__name__}: {error}")
            return (self._bare("error"),)
        return outputs

    def _bare(self, status: str) -> Output:
        output: Output = {name: [] for name in output_fields(self._parsed)}
        output[self._parsed.prefix + "status"] = status
        output[self._parsed.prefix + "count"] = "0"
        return output

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self.write_warning(f"lofpenrich: {text}")

    def _refuse(self, sentence: str) -> None:
        # splunklib's error_exit says the same on standard error, where splunkd wants nothing.
        self.write_error(f"lofpenrich: {sentence}")
        sys.exit(1)

    # splunklib calls str.format on a message: a brace in it would end the search.

    def write_error(self, message: str, *args: Any) -> None:
        """Shows an error to the user, braces and all."""
        super().write_error("{}", _printable(message))

    def write_warning(self, message: str, *args: Any) -> None:
        """Shows a warning to the user, braces and all."""
        super().write_warning("{}", _printable(message))


class Table:
    """The columns of a chunk: which hold what is read, where the output goes."""

    def __init__(self, header: list[str], fields: tuple[str, ...], outputs: list[str]) -> None:
        place = {name: position for position, name in enumerate(header)}
        self.header = list(header)
        for name in outputs:
            for column in (name, _MV + name):
                if column not in place:
                    place[column] = len(self.header)
                    self.header.append(column)
        self._outputs = [(name, place[name], place[_MV + name]) for name in outputs]
        self._read = [(f, place[f], place.get(_MV + f, -1)) for f in fields if f in place]
        self._width = len(self.header)

    def values(self, row: list[str]) -> dict[str, tuple[str, ...]]:
        """The values of the fields that are read, without the empty ones."""
        values = {}
        width = len(row)
        for field, single, multi in self._read:
            if 0 <= multi < width and row[multi]:
                values[field] = tuple(decode_multivalue(row[multi]))
            elif single < width and row[single]:
                values[field] = (row[single],)
        return values

    def with_output(self, row: list[str], output: Output) -> list[str]:
        """`row` as it came, with the output fields in their places."""
        row = row + [""] * (self._width - len(row))
        for name, single, multi in self._outputs:
            value = output[name]
            if isinstance(value, str):
                row[single], row[multi] = value, ""
            else:
                row[single] = "\n".join(value)
                row[multi] = encode_multivalue(value) if len(value) > 1 else ""
        return row


def decode_multivalue(text: str) -> Iterator[str]:
    """The values of `$v1$;$v2$`; a `$` inside a value is doubled there."""
    return (value.replace("$$", "$") for value in _MV_VALUE.findall(text))


def encode_multivalue(values: list[str]) -> str:
    """What `decode_multivalue` reads."""
    return ";".join(f"${value.replace('$', '$$')}$" for value in values)


def _today() -> date:
    return datetime.now(timezone.utc).date()


def _printable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")
