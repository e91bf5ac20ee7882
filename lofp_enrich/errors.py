"""What can go wrong for a reason that a person can mend, in words that cannot hold a secret."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

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


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it wraps; requests and urllib3 hide it in three different places."""
    seen: set[int] = set()
    current: Any = error
    while isinstance(current, BaseException) and id(current) not in seen:
        seen.add(id(current))
        yield current
        inside = [getattr(current, "reason", None), *current.args]
        inside += [current.__cause__, current.__context__]
        current = next((each for each in inside if isinstance(each, BaseException)), None)


def reason(chain: Sequence[BaseException], broke_off: str = "") -> str:
    """The system's words for an error, or its class, never a library's message.

    `broke_off` are the words for an answer that ended early, where the caller has some.
    """
    names = " ".join(type(cause).__name__ for cause in chain)
    if "timeout" in names.lower():
        return "no answer in time"
    if broke_off and ("IncompleteRead" in names or "RemoteDisconnected" in names):
        return broke_off
    for cause in reversed(chain):
        if isinstance(cause, ssl.SSLError) and isinstance(cause.reason, str):
            return cause.reason
        if isinstance(cause, OSError) and isinstance(cause.strerror, str):
            return cause.strerror
    return "it was closed" if isinstance(chain[-1], ConnectionError) else type(chain[-1]).__name__
