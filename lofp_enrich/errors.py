"""What can go wrong for a reason that a person can mend."""

from __future__ import annotations

import re

from lofp_enrich.model import Location

_UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """`text` without what a terminal obeys and what turns its direction: it may be hostile."""
    return _UNSEEN.sub("", text)


class LofpError(Exception):
    """One sentence for the person at the keyboard that says what to do next."""


class RuleError(LofpError):
    """A rule file, or a part of one, that could not be read.

    Its text is `path:line: key: message`. It costs the rule, never the run.
    """

    def __init__(self, message: str, location: Location, key: str = "") -> None:
        self.message = message
        self.location = location
        self.key = key
        text = f"{location}: {key}: {message}" if key else f"{location}: {message}"
        super().__init__(plain(text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleError) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))
