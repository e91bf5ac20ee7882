"""Runs the searches of the app's dashboards on sample events: a small part of SPL.

The shipped search strings are run as they are, with the app's own macros and lookup files, and
`lofpenrich` is the command of the built app. What this part does not know raises `SplError`, which
a panel shows as splunkd's error would be shown.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from configparser import RawConfigParser
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from tests.browser.evaluation import (
    Expression,
    SplError,
    number_of,
    parse,
    relative_time,
    text_of,
    truth,
    unquote,
    values_of,
    wildcard,
)
from tests.splunkd import Event, FakeSplunkd

Row = dict[str, Any]

RISKY = ("outputlookup", "collect", "delete", "map", "outputcsv", "sendemail")
"""Commands that splunkd runs for a dashboard only after the user has agreed."""

_SPANS = (60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800)
"""What timechart divides time into, in seconds."""

_QUOTED = r'"(?:\\.|[^"\\])*"'
_MACRO = re.compile(rf"{_QUOTED}|`([^`]*)`")
_WORD = re.compile(rf"\s*({_QUOTED}|[^\s,\"()\[\]=<>!]+|!=|<=|>=|[(),\[\]=<>])")


_ANSWERS: dict[str, list[Event]] = {}
"""What the command said: pages ask the same of the same alerts over and over."""


class Results(NamedTuple):
    """Rows on their way down the pipeline, and the order of their fields as far as one is set."""

    rows: list[Row]
    fields: Sequence[str] = ()

    def names(self) -> list[str]:
        """All field names, those that `table` and `stats` put in order first."""
        names = dict.fromkeys(self.fields)
        for row in self.rows:
            names.update(dict.fromkeys(row))
        return list(names)


class Splunk:
    """A search head with one app, some events in indexes, and a clock that stands still."""

    def __init__(self, splunkd: FakeSplunkd, events: Iterable[Row], now: float) -> None:
        self.app = splunkd.app
        found = [{**event, "_time": text_of(epoch(event["_time"]))} for event in events]
        self.events = sorted(found, key=lambda event: -epoch(event["_time"]))
        self.now = now
        self.writes: list[tuple[str, list[Row]]] = []
        """(lookup, rows) for every outputlookup that ran."""
        self._splunkd = splunkd
        self._macros = _stanzas(self.app / "default" / "macros.conf")
        self._lookups = {
            name: stanza.get("filename", "")
            for name, stanza in _stanzas(self.app / "default" / "transforms.conf").items()
        }
        for default in (self.app / "lookups").glob("*.csv.default"):
            # As splunkd does at its start.
            if not default.with_suffix("").exists():
                default.with_suffix("").write_bytes(default.read_bytes())

    def search(self, query: str, earliest: str = "0", latest: str = "now") -> Results:
        """The results of a search over a time range; raises SplError."""
        window = (self._time(earliest), self._time(latest))
        pipeline = split_pipeline(self.expand(query))
        return self._run(pipeline, Results([]), window, generating=True)

    def continue_search(self, query: str, base: Results) -> Results:
        """The results of a chain search on those of its base search; raises SplError."""
        start = Results([dict(row) for row in base.rows], base.fields)
        return self._run(split_pipeline(self.expand(query)), start, (0.0, self.now))

    def expand(self, text: str, depth: int = 0) -> str:
        """The search without its macros; backticks in quotes are text."""

        def replace(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0]
            name, arguments = _call(match[1])
            stanza = self._macros.get(name if not arguments else f"{name}({len(arguments)})")
            if stanza is None or depth > 20:
                raise SplError(f"The search specifies a macro '{match[1]}' that cannot be found.")
            definition = stanza["definition"]
            names = [each.strip() for each in stanza.get("args", "").split(",")]
            validation = stanza.get("validation", "")
            for parameter, argument in zip(names, arguments):
                definition = definition.replace(f"${parameter}$", argument)
                validation = validation.replace(f"${parameter}$", argument)
            if validation and not truth(parse(validation, self.now)({})):
                raise SplError(stanza["errormsg"])
            return self.expand(definition, depth + 1)

        return _MACRO.sub(replace, text)

    def _time(self, text: str) -> float:
        if text in ("", "0"):
            return 0.0
        if text == "now":
            return self.now
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        return float(relative_time(self.now, text))

    def _run(
        self,
        pipeline: list[tuple[str, str]],
        results: Results,
        window: tuple[float, float],
        generating: bool = False,
    ) -> Results:
        for number, (name, arguments) in enumerate(pipeline):
            if name == "search" and number == 0 and generating:
                results = self._events(arguments, window)
            elif name == "lofpenrich":
                results = self._command(f"{name} {arguments}", results)
            elif name in ("append", "appendpipe"):
                results = self._append(name, arguments, results, window)
            else:
                command = getattr(self, f"_do_{name}", None)
                if command is None:
                    raise SplError(f"Unknown search command '{name}'.")
                results = command(arguments, results)
        return results

    def _events(self, arguments: str, window: tuple[float, float]) -> Results:
        earliest, latest = window
        condition = search_condition(arguments)
        found = (e for e in self.events if earliest <= epoch(e["_time"]) <= latest)
        return Results([dict(event) for event in found if condition(event)])

    def _command(self, text: str, results: Results) -> Results:
        events = [
            {name: _canonical(value) for name, value in row.items() if value is not None}
            for row in results.rows
        ]
        lookups = sorted((self.app / "lookups").glob("*.csv"))
        # Not by their times: each test has a copy of its own, mostly of the same.
        state = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in lookups]
        key = hashlib.sha256(json.dumps([text, events, state]).encode()).hexdigest()
        if key not in _ANSWERS:
            answer = self._splunkd.search(f"| {text}", events)
            if answer.errors:
                raise SplError("; ".join(answer.errors))
            _ANSWERS[key] = answer.events
        return Results([dict(event) for event in _ANSWERS[key]], results.fields)

    def _append(
        self, name: str, arguments: str, results: Results, window: tuple[float, float]
    ) -> Results:
        inner = arguments.strip()
        if not (inner.startswith("[") and inner.endswith("]")):
            raise SplError(f"{name} takes a search in brackets")
        start = [dict(row) for row in results.rows] if name == "appendpipe" else []
        # What stands in appendpipe's brackets is the next stage, not a search of its own.
        pipeline = split_pipeline(("|" if name == "appendpipe" else "") + inner[1:-1])
        more = self._run(
            pipeline, Results(start, results.fields), window, generating=name == "append"
        )
        return Results(results.rows + more.rows, results.fields or more.fields)

    # Commands, in alphabetical order: each takes its arguments as text.

    def _do_addtotals(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(r"\s*fieldname=(\w+)\s*", arguments)
        if not match:
            raise SplError(f"addtotals {arguments}: not known here")
        for row in results.rows:
            row[match[1]] = text_of(sum(number_of(value, 0) for value in row.values()))
        return results

    def _do_chart(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(r"\s*(?:limit=0\s+)?(.+?)\s+OVER\s+(\S+)\s+BY\s+(\S+)\s*", arguments)
        if not match:
            raise SplError(
                f"chart is known here as <aggregate>... OVER <field> BY <field>: {arguments}"
            )
        over, by = unquoted(match[2]), unquoted(match[3])
        grouped = self._do_stats(f"{match[1]} BY {match[2]} {match[3]}", results)
        labels = [name for name in grouped.fields if name not in (over, by)]
        splits = sorted({str(row[by]) for row in grouped.rows})
        names = {
            (label, split): split if len(labels) == 1 else f"{label}: {split}"
            for label in labels
            for split in splits
        }
        table: dict[str, Row] = {}
        for row in grouped.rows:
            into = table.setdefault(row[over], {over: row[over]})
            into.update(
                {names[label, str(row[by])]: row[label] for label in labels if label in row}
            )
        rows = sorted(table.values(), key=lambda row: _sort_key(row[over]))
        return Results(rows, [over, *names.values()])

    def _do_dedup(self, arguments: str, results: Results) -> Results:
        names = [unquoted(word) for word in words(arguments)]
        seen: set[tuple[str, ...]] = set()
        kept = []
        for row in results.rows:
            key = tuple("\n".join(values_of(row.get(name))) for name in names)
            if all(row.get(name) is not None for name in names) and key not in seen:
                seen.add(key)
                kept.append(row)
        return Results(kept, results.fields)

    def _do_eval(self, arguments: str, results: Results) -> Results:
        assignments = []
        for part in split_outside(arguments, ","):
            match = re.fullmatch(r"\s*('[^']+'|\"[^\"]+\"|[\w.{}:]+)\s*=(?!=)(.*)", part, re.DOTALL)
            if not match:
                raise SplError(f"eval takes <field>=<expression>, not {part.strip()!r}")
            assignments.append((match[1].strip("'\""), parse(match[2], self.now)))
        for row in results.rows:
            for name, expression in assignments:
                value = text_of(expression(row))
                if value is None:
                    row.pop(name, None)
                else:
                    row[name] = value
        return results

    def _do_eventstats(self, arguments: str, results: Results) -> Results:
        aggregates, by = _aggregates(arguments, self.now)
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in results.rows:
            if all(row.get(name) is not None for name in by):
                groups.setdefault(tuple(str(row[name]) for name in by), []).append(row)
        for rows in groups.values():
            found = {label: aggregate(rows) for label, aggregate in aggregates}
            for row in rows:
                row.update({label: text_of(v) for label, v in found.items() if v is not None})
        return results

    def _do_fields(self, arguments: str, results: Results) -> Results:
        listed = words(arguments)
        if listed[:1] == ["-"]:
            gone = [unquoted(word) for word in listed[1:]]
            drop = {n for n in results.names() if any(wildcard(pattern, n) for pattern in gone)}
            rows = [{n: v for n, v in row.items() if n not in drop} for row in results.rows]
            return Results(rows, [name for name in results.fields if name not in drop])
        names = [unquoted(word) for word in listed if word != "+"]
        kept = [n for n in results.names() if any(wildcard(p, n) for p in names) or n[:1] == "_"]
        return Results([{n: r[n] for n in kept if n in r} for r in results.rows], names)

    def _do_fillnull(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(rf"\s*(?:value=({_QUOTED}|\S+))?\s*(.*)", arguments)
        assert match
        value = unquoted(match[1] or "0")
        names = [unquoted(word) for word in words(match[2])] or results.names()
        for row in results.rows:
            for name in names:
                if row.get(name) is None:
                    row[name] = value
        return results

    def _do_foreach(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(r"\s*([^\[]+)\[(.*)\]\s*", arguments, re.DOTALL)
        if not match:
            raise SplError("foreach takes fields and a search in brackets")
        patterns = [unquoted(word) for word in words(match[1])]
        for name in results.names():
            if not name.startswith("_") and any(wildcard(each, name) for each in patterns):
                inner = split_pipeline("|" + match[2].replace("<<FIELD>>", name))
                results = self._run(inner, results, (0, 0))
        return results

    def _do_fromjson(self, arguments: str, results: Results) -> Results:
        name = unquoted(arguments.strip())
        for row in results.rows:
            text = row.get(name)
            if text is None:
                continue
            try:
                content = json.loads(text)
            except ValueError:
                continue
            row.update({k: text_of(v) for k, v in content.items() if v is not None})
        return results

    def _do_head(self, arguments: str, results: Results) -> Results:
        return Results(results.rows[: int(arguments.strip() or 10)], results.fields)

    def _do_inputlookup(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(
            r"\s*(?:append=(t|true|f|false)\s+)?(\w+)(?:\s+where\s+(.*))?", arguments, re.IGNORECASE
        )
        if not match:
            raise SplError(f"inputlookup {arguments}: not known here")
        rows = self._lookup_rows(match[2])
        if match[3]:
            condition = search_condition(match[3])
            rows = [row for row in rows if condition(row)]
        if (match[1] or "f")[0] == "t":
            return Results(results.rows + rows, results.fields)
        return Results(rows, self._lookup_header(match[2]))

    def _do_lookup(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(
            r"\s*(?:local=true\s+)?(\w+)\s+(\S+)(?:\s+AS\s+(\S+))?\s+OUTPUT(NEW)?\s+(.*)",
            arguments,
            re.DOTALL,
        )
        if not match:
            raise SplError(f"lookup {arguments}: not known here")
        table: dict[str, Row] = {}
        for entry in self._lookup_rows(match[1]):
            table.setdefault(str(entry.get(unquoted(match[2]), "")).lower(), entry)
        key = unquoted(match[3] or match[2])
        outputs = _renamings(match[5])
        for row in results.rows:
            entries = [
                table[each.lower()] for each in values_of(row.get(key)) if each.lower() in table
            ]
            for column, name in outputs:
                if match[4] and row.get(name) is not None:
                    continue
                found = [entry[column] for entry in entries if entry.get(column)]
                row.pop(name, None)
                if found:
                    row[name] = text_of(found)
        return results

    def _do_makemv(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(rf"\s*delim=({_QUOTED})\s+(\S+)\s*", arguments)
        if not match:
            raise SplError(f"makemv {arguments}: not known here")
        delimiter, name = unquoted(match[1]), unquoted(match[2])
        for row in results.rows:
            if isinstance(row.get(name), str):
                row[name] = text_of([each for each in row[name].split(delimiter) if each])
        return results

    def _do_makeresults(self, arguments: str, results: Results) -> Results:
        if arguments.strip():
            raise SplError("makeresults takes no argument here")
        return Results([{"_time": text_of(self.now)}])

    def _do_mvexpand(self, arguments: str, results: Results) -> Results:
        name = unquoted(arguments.strip())
        rows = [
            {**row, name: value}
            for row in results.rows
            for value in values_of(row.get(name)) or [None]  # type: ignore[list-item]
        ]
        return Results(
            [{k: v for k, v in r.items() if v is not None} for r in rows], results.fields
        )

    def _do_outputlookup(self, arguments: str, results: Results) -> Results:
        options = dict(re.findall(r"(\w+)=(\w+)", arguments))
        name = arguments.split()[-1]
        unknown = set(options) - {"append", "create_empty", "override_if_empty"}
        if unknown:
            raise SplError(f"outputlookup: {', '.join(unknown)} is not known here")
        append = options.get("append", "f")[0] == "t"
        if not results.rows and (append or options.get("override_if_empty", "true")[0] == "f"):
            return results
        header = self._lookup_header(name)
        kept = self._lookup_rows(name) if append else []
        path = self._lookup_path(name)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            for row in [*kept, *results.rows]:
                writer.writerow({n: "\n".join(values_of(row.get(n))) for n in header})
        self.writes.append((name, [dict(row) for row in results.rows]))
        return results

    def _do_rename(self, arguments: str, results: Results) -> Results:
        names: dict[str, str] = {}
        for old, new in _renamings(arguments):
            if "*" in old:
                head, tail = old.split("*")
                names.update(
                    (name, new.replace("*", name[len(head) : len(name) - len(tail)]))
                    for name in results.names()
                    if wildcard(old, name)
                )
            else:
                names[old] = new
        rows = [{names.get(n, n): value for n, value in row.items()} for row in results.rows]
        return Results(rows, [names.get(name, name) for name in results.fields])

    def _do_rex(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(
            rf"\s*field=(\S+)\s+(?:max_match=(\d+)\s+)?({_QUOTED})\s*", arguments, re.DOTALL
        )
        if not match:
            raise SplError(f"rex {arguments}: not known here")
        name, most = unquoted(match[1]), int(match[2] or 1)
        # splunkd unescapes only the quote marks of a regular expression.
        pattern = re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", match[3][1:-1].replace('\\"', '"')))
        for row in results.rows:
            text = "\n".join(values_of(row.get(name)))
            found = list(pattern.finditer(text))[: most or None]
            for group in pattern.groupindex:
                values = [each[group] for each in found if each[group] is not None]
                if values:
                    row[group] = text_of(values)
        return results

    def _do_search(self, arguments: str, results: Results) -> Results:
        condition = search_condition(arguments)
        return Results([row for row in results.rows if condition(row)], results.fields)

    def _do_sort(self, arguments: str, results: Results) -> Results:
        listed = words(arguments)
        if listed and listed[0].isdigit():
            listed = listed[1:]
        keys = []
        direction = 1
        for word in listed:
            if word in "+-":
                direction = -1 if word == "-" else 1
                continue
            sign = re.match(r"[+-]", word)
            descending = (sign[0] == "-") if sign else direction < 0
            keys.append((unquoted(word.lstrip("+-")), descending))
            direction = 1
        rows = list(results.rows)
        for name, descending in reversed(keys):
            rows.sort(key=lambda row: _sort_key(row.get(name)), reverse=descending)
        return Results(rows, results.fields)

    def _do_stats(self, arguments: str, results: Results) -> Results:
        aggregates, by = _aggregates(arguments, self.now)
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in results.rows:
            keys: list[tuple[str, ...]] = [()]
            for name in by:
                keys = [(*key, value) for key in keys for value in values_of(row.get(name))]
            for key in keys:
                groups.setdefault(key, []).append(row)
        if not by:
            groups.setdefault((), [])
        found = []
        for key, rows in sorted(groups.items()):
            values = {label: aggregate(rows) for label, aggregate in aggregates}
            known = {label: text_of(v) for label, v in values.items() if v is not None}
            found.append({**dict(zip(by, key)), **known})
        return Results(found, [*by, *(label for label, _ in aggregates)])

    def _do_streamstats(self, arguments: str, results: Results) -> Results:
        aggregates, by = _aggregates(arguments, self.now)
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in results.rows:
            rows = groups.setdefault(tuple(str(row.get(name)) for name in by), [])
            rows.append(row)
            row.update({label: text_of(aggregate(rows)) for label, aggregate in aggregates})
        return results

    def _do_table(self, arguments: str, results: Results) -> Results:
        patterns = [unquoted(word) for word in words(arguments)]
        names: dict[str, None] = {}
        for pattern in patterns:
            if "*" in pattern:
                hidden = pattern.startswith("_")
                names.update(
                    (name, None)
                    for name in results.names()
                    if wildcard(pattern, name) and name.startswith("_") == hidden
                )
            else:
                names[pattern] = None
        return Results([{n: r[n] for n in names if n in r} for r in results.rows], list(names))

    def _do_timechart(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(r"\s*bins=(\d+)\s+(.+?)(?:\s+BY\s+(\S+))?\s*", arguments)
        if not match:
            raise SplError(f"timechart {arguments}: not known here")
        times = [epoch(row["_time"]) for row in results.rows]
        extent = max(times) - min(times) if times else 0
        span = next((s for s in _SPANS if extent / s < int(match[1])), _SPANS[-1])
        for row in results.rows:
            row["_time"] = text_of(epoch(row["_time"]) // span * span)
        by = f" {match[3]}" if match[3] else ""
        grouped = self._do_stats(f"{match[2]} BY _time{by}", results)
        if not match[3] or not grouped.rows:
            return grouped
        split = unquoted(match[3])
        label = next(name for name in grouped.fields if name not in ("_time", split))
        columns = sorted({str(row[split]) for row in grouped.rows})
        starts = [int(row["_time"]) for row in grouped.rows]
        table = {
            at: {"_time": str(at), **dict.fromkeys(columns, "0")}
            for at in range(min(starts), max(starts) + 1, span)
        }
        for row in grouped.rows:
            table[int(row["_time"])][row[split]] = row[label]
        return Results(list(table.values()), ["_time", *columns])

    def _do_tojson(self, arguments: str, results: Results) -> Results:
        output = re.search(r"output_field=(\w+)", arguments)
        names = re.findall(r"str\(([^)]*)\)", arguments)
        if not output or not names:
            raise SplError("tojson is known here as str(<field>)... output_field=<field>")
        for row in results.rows:
            chosen = {name: row[name] for name in names if row.get(name) is not None}
            row[output[1]] = json.dumps(chosen, ensure_ascii=False)
        return results

    def _do_transpose(self, arguments: str, results: Results) -> Results:
        match = re.fullmatch(r"\s*0\s+column_name=(\w+)\s*", arguments)
        if not match:
            raise SplError(f"transpose {arguments}: not known here")
        rows = [
            {
                match[1]: name,
                **{f"row {i}": r[name] for i, r in enumerate(results.rows, 1) if name in r},
            }
            for name in results.names()
            if not name.startswith("_")
        ]
        return Results(rows, [match[1]])

    def _do_where(self, arguments: str, results: Results) -> Results:
        condition = parse(arguments, self.now)
        return Results([row for row in results.rows if truth(condition(row))], results.fields)

    def _lookup_path(self, name: str) -> Path:
        if name not in self._lookups:
            raise SplError(f"The lookup table '{name}' does not exist or is not available.")
        return self.app / "lookups" / self._lookups[name]

    def _lookup_header(self, name: str) -> list[str]:
        path = self._lookup_path(name)
        if not path.exists():
            raise SplError(
                f"The lookup table '{name}' requires a .csv or KV store lookup definition."
            )
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])

    def _lookup_rows(self, name: str) -> list[Row]:
        self._lookup_header(name)
        with self._lookup_path(name).open(encoding="utf-8", newline="") as file:
            # Splunk gives an empty cell as an empty text, not as null.
            return [dict(row) for row in csv.DictReader(file)]


def load_events(path: Path) -> list[Row]:
    """The sample events of a file: an object a line, once more for every time in its `also`."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        also = event.pop("also")
        events += [event, *({**event, "_time": time} for time in also)]
    return events


def epoch(text: str) -> float:
    """Seconds since 1970 of an ISO time or a number."""
    number = number_of(text)
    if number is not None:
        return float(number)
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def split_outside(text: str, separator: str) -> list[str]:
    """The parts of a text between separators that stand outside quotes and brackets."""
    parts, start, depth, at = [], 0, 0, 0
    while at < len(text):
        character = text[at]
        if character == '"':
            match = re.compile(_QUOTED, re.DOTALL).match(text, at)
            if not match:
                raise SplError("Unbalanced quotes.")
            at = match.end()
            continue
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
            if depth < 0:
                raise SplError(f"Mismatched '{character}'.")
        elif character == separator and depth == 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    if depth:
        raise SplError("Unbalanced brackets.")
    return [*parts, text[start:]]


def split_pipeline(text: str) -> list[tuple[str, str]]:
    """(command, arguments) of every stage; terms at the beginning are those of search."""
    stages = split_outside(text, "|")
    found = []
    for number, stage in enumerate(stages):
        if number == 0:
            if stage.strip():
                name, _, rest = stage.strip().partition(" ")
                found.append(("search", rest) if name == "search" else ("search", stage.strip()))
            continue
        match = re.match(r"\s*(\w+)\s*(.*)", stage, re.DOTALL)
        if not match:
            raise SplError("A stage of the search is empty.")
        found.append((match[1], match[2].strip()))
    return found


def words(text: str) -> list[str]:
    """The words of a list of fields; commas and blanks separate them, quotes hold them together."""
    return [m for m in re.findall(rf"{_QUOTED}|[^\s,]+", text) if m]


def unquoted(word: str) -> str:
    """The word without its quote marks."""
    if word.startswith('"') and word.endswith('"') and len(word) > 1:
        return unquote(word)
    return word.strip("'")


def search_condition(text: str) -> Callable[[Row], bool]:
    """The condition that the terms of a search command make."""
    tokens = [match[1] for match in _WORD.finditer(text)]
    if "".join(tokens).replace(",", "") != re.sub(rf"({_QUOTED})|[\s,]+", r"\1", text):
        raise SplError(f"cannot read the search terms {text!r}")
    condition, rest = _any_of(tokens)
    if rest:
        raise SplError(f"unexpected {rest[0]!r} in the search terms {text!r}")
    return condition


def _any_of(tokens: list[str]) -> tuple[Callable[[Row], bool], list[str]]:
    groups = []
    while True:
        group, tokens = _all_of(tokens)
        groups.append(group)
        if tokens[:1] != ["OR"]:
            return (lambda row: any(each(row) for each in groups)), tokens
        tokens = tokens[1:]


def _all_of(tokens: list[str]) -> tuple[Callable[[Row], bool], list[str]]:
    terms: list[Callable[[Row], bool]] = []
    while tokens and tokens[0] not in ("OR", ")"):
        if tokens[0] == "AND":
            tokens = tokens[1:]
            continue
        term, tokens = _term(tokens)
        terms.append(term)
    return (lambda row: all(each(row) for each in terms)), tokens


def _term(tokens: list[str]) -> tuple[Callable[[Row], bool], list[str]]:
    head, tokens = tokens[0], tokens[1:]
    if head == "NOT":
        inner, tokens = _term(tokens)
        return (lambda row: not inner(row)), tokens
    if head == "(":
        inner, tokens = _any_of(tokens)
        if tokens[:1] != [")"]:
            raise SplError("Unbalanced parentheses.")
        return inner, tokens[1:]
    if tokens[:1] and tokens[0] in ("=", "!=", "<", ">", "<=", ">=") and len(tokens) > 1:
        operator, value, name = tokens[0], unquoted(tokens[1]), unquoted(head)
        return (lambda row: _field_fits(row, name, operator, value)), tokens[2:]
    word = f"*{unquoted(head)}*"
    return (lambda row: any(wildcard(word, v) for f in row.values() for v in values_of(f))), tokens


def _field_fits(row: Row, name: str, operator: str, value: str) -> bool:
    held = values_of(row.get(name))
    if operator == "=":
        return any(wildcard(value, each) for each in held)
    if operator == "!=":
        return bool(held) and not any(wildcard(value, each) for each in held)
    numbers = [n for each in held if (n := number_of(each)) is not None]
    bound = float(value)
    tests = {
        "<": lambda n: n < bound,
        ">": lambda n: n > bound,
        "<=": lambda n: n <= bound,
        ">=": lambda n: n >= bound,
    }
    return any(tests[operator](n) for n in numbers)


def _aggregates(
    text: str, now: float
) -> tuple[list[tuple[str, Callable[[list[Row]], Any]]], list[str]]:
    parts = re.split(r"\s+(?:BY|by)\s+(?=[^()]*$)", text.strip())
    by = [unquoted(word) for word in words(parts[1])] if len(parts) > 1 else []
    pattern = re.compile(
        rf"\s*,?\s*(\w+)(?:\((eval\((?P<expression>.*?)\)(?=\))|[^()]*)\))?"
        rf"(?:\s+(?:AS|as)\s+({_QUOTED}|[\w.]+))?(?=\s|,|$)"
    )
    found = []
    at = 0
    while at < len(parts[0]):
        match = pattern.match(parts[0], at)
        if not match:
            raise SplError(f"stats cannot read {parts[0][at:]!r}")
        name = match[1]
        argument = match[2] or ""
        label = unquoted(match[4]) if match[4] else (f"{name}({argument})" if argument else name)
        expression = parse(match["expression"], now) if match["expression"] else None
        found.append((label, _aggregate(name, unquoted(argument), expression)))
        at = match.end()
    return found, by


def _aggregate(name: str, field: str, expression: Expression | None) -> Callable[[list[Row]], Any]:
    def column(rows: list[Row]) -> list[str]:
        return [value for row in rows for value in values_of(row.get(field))]

    def numbers(rows: list[Row]) -> list[float]:
        return [n for value in column(rows) if (n := number_of(value)) is not None]

    if expression is not None:
        if name == "dc":
            return lambda rows: len({v for row in rows for v in values_of(expression(row))})
        if name != "count":
            raise SplError(f"{name}(eval()) is not known here")
        return lambda rows: sum(truth(expression(row)) for row in rows)
    known: dict[str, Callable[[list[Row]], Any]] = {
        "count": lambda rows: len(column(rows)) if field else len(rows),
        "dc": lambda rows: len(set(column(rows))),
        "values": lambda rows: sorted(set(column(rows))) or None,
        "list": lambda rows: column(rows) or None,
        "sum": lambda rows: sum(numbers(rows)) if numbers(rows) else None,
        "avg": lambda rows: sum(numbers(rows)) / len(numbers(rows)) if numbers(rows) else None,
        "min": lambda rows: (
            min(numbers(rows)) if numbers(rows) else min(column(rows), default=None)
        ),
        "max": lambda rows: (
            max(numbers(rows)) if numbers(rows) else max(column(rows), default=None)
        ),
        "first": lambda rows: next(iter(column(rows)), None),
        "last": lambda rows: next(reversed(column(rows)), None),
        "latest": lambda rows: next(iter(column(rows)), None),
    }
    if name not in known:
        raise SplError(f"The aggregate {name} is not known here")
    return known[name]


def _renamings(text: str) -> list[tuple[str, str]]:
    """(column, name) pairs of `a AS b, c, "d e" AS f`."""
    listed = words(text)
    found = []
    while listed:
        name = unquoted(listed.pop(0))
        label = name
        if listed[:1] and listed[0].upper() == "AS":
            label = unquoted(listed[1])
            listed = listed[2:]
        found.append((name, label))
    return found


def _sort_key(value: Any) -> tuple[int, float, str]:
    if value is None:
        return (2, 0.0, "")
    number = number_of(value)
    text = "\n".join(values_of(value))
    return (0, float(number), "") if number is not None else (1, 0.0, text)


def _canonical(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, list) else str(text_of(value))


def _call(text: str) -> tuple[str, list[str]]:
    name, parenthesis, rest = text.partition("(")
    if not parenthesis:
        return name.strip(), []
    inner = rest.rstrip().removesuffix(")")
    return name.strip(), [unquoted(each.strip()) for each in split_outside(inner, ",")]


def _stanzas(path: Path) -> dict[str, dict[str, str]]:
    parser = RawConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = re.sub(r"[ \t]*\\\n[ \t]*", " ", path.read_text(encoding="utf-8"))
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def to_columns(results: Results) -> dict[str, Any]:
    """The results as splunkd's JSON columns; times in ISO form."""
    names = results.names()
    columns = []
    for name in names:
        column = [row.get(name) for row in results.rows]
        if name == "_time":
            column = [None if v is None else _iso(v) for v in column]
        columns.append([list(v) if isinstance(v, list) else text_of(v) for v in column])
    return {"fields": [{"name": name} for name in names], "columns": columns}


def _iso(value: Any) -> str:
    return datetime.fromtimestamp(epoch(str(value)), timezone.utc).isoformat(
        timespec="milliseconds"
    )
