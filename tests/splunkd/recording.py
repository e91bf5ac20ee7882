"""A session that somebody recorded between a real splunkd and a search command."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, cast

from .protocol import Event, Frame, Grid, decode_table, read_frames


@dataclass(frozen=True)
class Recording:
    """The chunks of a session, without the getinfo that was meant for another command."""

    frames: list[Frame]

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read the gzip file of what splunkd wrote to the command's standard input."""
        with gzip.open(path) as stream:
            return cls(read_frames(cast("IO[bytes]", stream))[1:])

    @cached_property
    def tables(self) -> list[Grid]:
        """The chunks, decoded."""
        return [decode_table(frame.body) for frame in self.frames]

    @property
    def events(self) -> list[Event]:
        """All events, in order."""
        return [event for table in self.tables for event in table.events]


def recordings_dir() -> Path:
    """Where recordings lie if there are any: LOFP_CORPORA or shared/ beside the checkout."""
    shared = os.environ.get("LOFP_CORPORA") or Path(__file__).parents[2].parent / "shared"
    return Path(shared) / "recordings"
