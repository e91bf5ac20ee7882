"""Search commands to measure against, on the app's splunklib: `nothing` or `constants`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

sys.path.insert(0, sys.argv.pop(1))
KIND = sys.argv.pop(1)

from splunklib.searchcommands import Configuration, Option, StreamingCommand, dispatch  # noqa: E402

CONSTANTS = {
    "lofp_status": "matched",
    "lofp_count": "212",
    "lofp_statement": ["An explanation of the usual length, some eighty characters of it all."] * 3,
    "lofp_match": ["technique"] * 3,
    "lofp_rule": ["Title of the rule that says so (sigma, Name of the author)"] * 3,
    "lofp_entry_id": ["0123456789ab"] * 3,
}


@Configuration()
class Baseline(StreamingCommand):  # type: ignore[misc]
    """Gives every event back, as it came or with constant output fields."""

    narrow = Option()

    def stream(self, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """All events, in order."""
        for record in records:
            if KIND == "constants":
                record.update(CONSTANTS)
            yield record


dispatch(Baseline, sys.argv, sys.stdin, sys.stdout, __name__)
