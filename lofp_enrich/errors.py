"""What can go wrong for a reason that a person can mend."""

from __future__ import annotations

from lofp_enrich.model import Location


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
        super().__init__(f"{location}: {key}: {message}" if key else f"{location}: {message}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleError) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))
