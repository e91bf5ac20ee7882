"""Frames and bodies of the chunked search command protocol, version 2.

Written from recorded sessions (Splunk 6.3, 8.0.3, 8.2.1), apart from `splunklib` on purpose: the
emulator must not share the faults of the library whose output it judges.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Union

Event = dict[str, Union[str, list[str]]]
"""An event as splunkd keeps it: no empty values, a list only where there are several values."""

_HEADER = re.compile(rb"chunked 1\.0,(\d+),(\d+)\n")
_MULTIVALUE = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;(?=\$)|\Z)")
# splunkd quotes every cell that has anything but ASCII letters and digits, names included.
_BARE = re.compile(r"[A-Za-z0-9]*").fullmatch
_LONGEST_HEADER = 100
_NO_LIMIT = 2**31 - 1


class ProtocolError(AssertionError):
    """The command did what splunkd would not put up with, or would answer by losing events.

    An `AssertionError`, so that pytest reports it as a failure of the test.
    """


class CommandHung(ProtocolError):
    """The command did not answer, or did not end, in the time it was given."""


@dataclass(frozen=True)
class Frame:
    """One message, in either direction."""

    metadata: dict[str, Any]
    body: bytes
    raw: bytes
    """The message as it travelled, header line included."""

    @classmethod
    def make(cls, metadata: Mapping[str, Any], body: bytes = b"") -> Frame:
        """Encode as splunkd does; text beyond ASCII stays UTF-8, so lengths are not characters."""
        text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
        encoded = text.encode("utf-8", "surrogateescape")
        header = b"chunked 1.0,%d,%d\n" % (len(encoded), len(body))
        return cls(dict(metadata), body, header + encoded + body)


def read_frame(stream: IO[bytes]) -> Frame | None:
    """The next frame, or None where the stream ends before it begins.

    Raises `ProtocolError` for anything between two frames, a wrong length, or metadata that is
    not a JSON object.
    """
    header = stream.readline(_LONGEST_HEADER)
    if not header:
        return None
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ProtocolError(f"expected a frame's header, got {header!r}")
    wanted = [int(length) for length in match.groups()]
    encoded, body = (stream.read(length) for length in wanted)
    if [len(encoded), len(body)] != wanted:
        raise ProtocolError(
            f"{header!r} announces {wanted[0]} and {wanted[1]} bytes, "
            f"but the output ends after {len(encoded)} and {len(body)}"
        )
    try:
        metadata = json.loads(encoded.decode("utf-8"))
    except ValueError as error:
        raise ProtocolError(f"metadata is not JSON in UTF-8: {error}: {encoded[:200]!r}") from error
    if not isinstance(metadata, dict):
        raise ProtocolError(f"metadata is not an object: {encoded[:200]!r}")
    return Frame(metadata, body, header + encoded + body)


def read_frames(stream: IO[bytes]) -> list[Frame]:
    """All frames of a stream that holds nothing else."""
    return list(iter(lambda: read_frame(stream), None))


@dataclass(frozen=True)
class Grid:
    """A decoded body: the columns in their order, without `__mv_`, and the rows."""

    fields: list[str]
    events: list[Event]


def canonical(event: Mapping[str, str | Sequence[str]]) -> Event:
    """The event as splunkd would keep it: empty values dropped, a list of one is its value."""
    kept: Event = {}
    for name, value in event.items():
        if not isinstance(value, str):
            value = value[0] if len(value) == 1 else list(value)
        if value:
            kept[name] = value
    return kept


def fields_of(events: Iterable[Mapping[str, object]]) -> list[str]:
    """Every field that occurs, in the order of first appearance."""
    return list(dict.fromkeys(name for event in events for name in event))


def encode_table(
    fields: Sequence[str], events: Iterable[Mapping[str, str | Sequence[str]]]
) -> bytes:
    """The body as splunkd writes it: LF, and all `__mv_` columns after the plain ones.

    Half of a surrogate pair from `surrogateescape` becomes its byte again: the way to send what is
    not UTF-8.
    """
    names = [*fields, *(f"__mv_{name}" for name in fields)]
    lines = [",".join(map(_cell, names)) + "\n"]
    places = {name: at for at, name in enumerate(fields)}
    # Most requested fields are absent from most events: those cost nothing here.
    blank = [""] * len(names)
    for event in events:
        row = blank[:]
        for name in event.keys() & places.keys():
            value, at = event[name], places[name]
            if isinstance(value, str):
                row[at] = _cell(value)
            else:
                row[at] = _cell("\n".join(value))
                if len(value) > 1:
                    row[at + len(fields)] = _cell(encode_multivalue(value))
        lines.append(",".join(row) + "\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def _cell(text: str) -> str:
    return text if _BARE(text) else '"' + text.replace('"', '""') + '"'


def encode_multivalue(values: Iterable[str]) -> str:
    """`$v1$;$v2$`, with `$` doubled inside a value and all else as it is."""
    return ";".join("$" + value.replace("$", "$$") + "$" for value in values)


def decode_multivalue(cell: str) -> list[str]:
    """The values of a `__mv_` cell; raises `ProtocolError` where it isn't well formed."""
    values, end = [], 0
    for match in _MULTIVALUE.finditer(cell):
        if match.start() != end:
            break
        values.append(match[1].replace("$$", "$"))
        end = match.end()
    if end != len(cell):
        raise ProtocolError(f"malformed multivalue cell: {cell[:200]!r}")
    return values


def decode_table(body: bytes) -> Grid:
    """Decode a body in either order of columns and either line end.

    Raises `ProtocolError` for bytes that are not UTF-8, wrong quoting, a row of another width than
    the header's, a doubled or nameless column, and a plain cell that contradicts its `__mv_` cell.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(f"body is not UTF-8: {error}") from error
    # The limit belongs to the process, and importing splunklib lowers it.
    limit = csv.field_size_limit(_NO_LIMIT)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ProtocolError(f"body is not CSV: {error}: {body[:200]!r}") from error
    finally:
        csv.field_size_limit(limit)
    if not rows:
        return Grid([], [])
    header = rows[0]
    if len(set(header)) != len(header) or "" in header:
        raise ProtocolError(f"doubled or nameless column in {header}")
    multi = [(at, name[5:]) for at, name in enumerate(header) if name.startswith("__mv_")]
    plain = [(at, name) for at, name in enumerate(header) if not name.startswith("__mv_")]
    fields = [name for _, name in plain]
    alone = {name for _, name in multi} - set(fields)
    if alone:
        raise ProtocolError(f"__mv_ columns without a plain one: {sorted(alone)}")
    events = []
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(header):
            raise ProtocolError(f"row {number} has {len(row)} cells, the header {len(header)}")
        event: Event = {name: row[at] for at, name in plain if row[at]}
        for at, name in multi:
            if row[at]:
                values = decode_multivalue(row[at])
                if event.get(name, "") != "\n".join(values):
                    raise ProtocolError(
                        f"row {number}: {name!r} is {event.get(name)!r}, its values are {values}"
                    )
                event.pop(name, None)
                event.update(canonical({name: values}))
        events.append(event)
    return Grid(fields, events)
