"""`| lofpenrich`: the search command, a thin skin of splunklib over `enrich`.

splunkd starts one process that may serve many chunks. splunklib's reading and writing of records
is left out, for it makes a dict of every event and takes a chunk's columns from its first record;
rows go through as they came, with the output fields beside them.
"""

from __future__ import annotations

import csv
import gc
import io
import sys
from datetime import date, datetime, timezone
from typing import Any

from splunklib.searchcommands import Configuration, Option, StreamingCommand

from lofp_enrich.search.alert.fields import SIGNATURE, SPLUNK
from lofp_enrich.search.answer.enrich import (
    Enricher,
    Output,
    Values,
    bare_output,
    load_enricher,
    output_fields,
)
from lofp_enrich.search.answer.options import LISTS, NAMES, Options, parse
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import OUTPUT_FULL
from lofp_enrich.search.knowledge.local import local_fields
from lofp_enrich.search.splunk import LOOKUPS
from lofp_enrich.search.splunk.rows import Columns

_MAX_REMEMBERED = 8_000
"""Answers kept; alerts repeat, for a rule fires many times on the same thing."""
_MAX_KEY = 20_000
"""Characters of a row beyond which its answer is not remembered, for its key would be, too."""
_BLANK = (
    "nothing could be read of these events: no technique, no rule, nothing that says what ran, and "
    "_raw did not come with them; add narrow=f, or name the field of the techniques with "
    "technique_field=."
)
"""A `fields` or `table` before the command takes `_raw` away, and what it is asked for hides the
fields that it would know by the ends of their names."""


@Configuration()
class LofpEnrichCommand(StreamingCommand):  # type: ignore[misc]
    """Puts the known harmless explanations of an alert on the alert."""

    technique_field = Option()
    rule_field = Option()
    context_fields = Option()
    source = Option()
    product = Option()
    kind = Option()
    evidence = Option()
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
        self._answers: dict[tuple[object, ...], list[list[str]]] = {}
        self._cells: dict[str, str] = {}
        """Those of the answers, each kept once: different alerts have the same explanations."""
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
        if self._narrows:
            self.configuration.required_fields = self._wanted_fields()

    def stream(self, records: Any) -> Any:
        """Never called: `_execute_chunk_v2` works on rows. splunklib insists that it is there."""
        return records

    @property
    def _narrows(self) -> bool:
        # splunkd merges an answer with the rest of its event, which takes one row for each.
        return self._parsed.narrow and not self._parsed.expand

    def _wanted_fields(self) -> list[str]:
        parsed = self._parsed
        named = (*parsed.technique_field, *parsed.rule_field, *parsed.context_fields)
        fields = (
            *(name for names in SPLUNK.values() for name in names),
            *SIGNATURE,
            *named,
            "_raw",
        )
        # Outputs too: the recorded splunkd listed the field it let the command add. All of them,
        # for what an event brings along in their names can only be emptied where it was asked for.
        ours = (parsed.prefix + name for name in OUTPUT_FULL)
        return list(dict.fromkeys((*fields, *self._local_fields(), *ours)))

    def _local_fields(self) -> tuple[str, ...]:
        try:
            return local_fields(LOOKUPS / "lofp_local.csv")
        except SearchError:
            return ()  # said once, by the first chunk

    def _execute_chunk_v2(self, process: Any, chunk: tuple[Any, str]) -> None:
        self._answer_chunk(chunk[1])
        if self._finished:
            self._say_at_the_end()

    def _answer_chunk(self, body: str) -> None:
        if "\0" in body:
            # Python 3.9 and 3.10: csv.Error "line contains NUL", which would end the search.
            body = body.replace("\0", "\ufffd")
        rows = csv.reader(io.StringIO(body, newline=""))
        header = next(rows, None)
        if not header:
            return
        self._load_once()
        prefix = self._parsed.prefix
        table = Columns(header, output_fields(self._parsed), multivalue=True, prefix=prefix)
        writer = self._record_writer
        # "\r\n", for a writer that ends rows with "\n" leaves a lone "\r" in a cell unquoted.
        write = csv.writer(writer._buffer, lineterminator="\r\n").writerow
        write(table.header)
        for row in rows:
            for cells in self._answer(table, row):
                write(table.with_output(row, cells))
                writer._pending_record_count += 1
        for trouble in self._enricher.troubles if self._enricher else ():
            self._warn_once(trouble)

    def _say_at_the_end(self) -> None:
        """Says what only the last event of the search can make sure of."""
        seen = self._enricher.seen if self._enricher else None
        if seen and self._narrows and seen.is_blank:
            self._warn_once(_BLANK)
        for sentence in seen.missed if seen else ():
            self._warn_once(sentence)

    def _answer(self, table: Columns, row: list[str]) -> list[list[str]]:
        """The output cells for a row, one list or with `expand` several, remembered by its key.

        Most alerts say enough by their fields. Those that had to be read from `_raw`, which no two
        events share, are not remembered, and what is known of one without `_raw` is no answer for
        one that has it.
        """
        names, told = table.key(row)
        key = bool(table.raw(row)), names, told
        answer = self._answers.get(key)
        if answer:
            return answer
        answer = [table.cells(output) for output in self._outputs(table.values(row))]
        by_raw = self._enricher is not None and self._enricher.raw_was_read
        if not by_raw and len(told) <= _MAX_KEY:
            if len(self._answers) >= _MAX_REMEMBERED:
                self._answers.clear()
                self._cells.clear()
            keep = self._cells.setdefault
            self._answers[key] = [[keep(cell, cell) for cell in cells] for cells in answer]
        return answer

    def _load_once(self) -> None:
        if self._enricher is None and not self._trouble:
            try:
                self._enricher = self._load()
            except SearchError as error:
                self._trouble = str(error)
                self.write_error(f"lofpenrich: {error} Events pass through without explanations.")

    def _load(self) -> Enricher:
        # Rows and answers hold no cycles. Looking for some again and again among all that is held
        # of the catalogue is an eighth of the time of a long search.
        gc.set_threshold(50_000, 20, 100)
        enricher, troubles = load_enricher(LOOKUPS, self._parsed, _today())
        for trouble in troubles:
            self._warn_once(trouble)
        return enricher

    def _outputs(self, values: Values) -> tuple[Output, ...]:
        if self._enricher is None:
            return (bare_output("no_catalogue", self._parsed),)
        return self._enricher.outputs(values)

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


def _today() -> date:
    return datetime.now(timezone.utc).date()


def _printable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")
