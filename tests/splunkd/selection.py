"""Which columns of an event travel to the command, and how its answer joins the rest again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .protocol import Event, Grid, ProtocolError, fields_of

INDEX = "_chunked_idx"
"""The column that splunkd adds where only some columns travel: the event's place in its chunk."""


class Selection:
    """The columns that a getinfo reply asks for.

    Recorded on 8.2.1: `streaming` and `stateful` get what they list plus the index, `reporting`
    only what it lists, and `events` everything, whatever it lists.
    """

    def __init__(self, info: dict[str, Any]) -> None:
        listed = info.get("required_fields")
        if listed is not None and not _is_texts(listed):
            raise ProtocolError(f"required_fields is not a list of names: {listed!r}")
        self.fields: list[str] | None = None
        if listed is not None and listed != ["*"] and info["type"] != "events":
            patterns = [name for name in listed if "*" in name]
            if patterns:
                raise ProtocolError(f"nobody has seen what splunkd makes of {patterns}")
            self.fields = list(dict.fromkeys(name for name in listed if name != INDEX))
        self.merges = self.fields is not None and info["type"] != "reporting"

    def outgoing(
        self, events: Sequence[Event], before: Sequence[str]
    ) -> tuple[list[str], list[Event]]:
        """Columns and rows to send for these events; `before`, the columns of an empty chunk."""
        if self.fields is None:
            return (fields_of(events) or list(before)), list(events)
        rows: list[Event] = [
            {name: event[name] for name in self.fields if name in event} for event in events
        ]
        if not self.merges:
            return self.fields, rows
        return [*self.fields, INDEX], [{**row, INDEX: str(at)} for at, row in enumerate(rows)]

    def merge(self, events: Sequence[Event], answer: Grid, *, partial: bool) -> list[Event]:
        """What the search goes on with after this answer.

        Stricter than splunkd, which would lose events or columns without a word: raises
        `ProtocolError` where the answer isn't one row for each event, in order, of listed columns.
        With `partial`, for an answer that tells an error, the rows that are there are enough.
        """
        if self.fields is None or not self.merges:
            return answer.events
        surplus = set(answer.fields) - {*self.fields, INDEX}
        if surplus and answer.events:
            raise ProtocolError(f"columns that required_fields does not list: {sorted(surplus)}")
        places = [event.get(INDEX) for event in answer.events]
        wanted = [str(at) for at in range(len(events))]
        if partial:
            wanted = wanted[: len(places)]
        if places != wanted:
            raise ProtocolError(
                f"{len(events)} events went out, {len(places)} came back with {INDEX} "
                f"{places[:5]}...: splunkd cannot merge them one to one"
            )
        merged = []
        travelled = set(self.fields)
        for event, row in zip(events, answer.events):
            rest = {name: value for name, value in event.items() if name not in travelled}
            answered = {name: value for name, value in row.items() if name != INDEX}
            merged.append({**rest, **answered})
        return merged


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
