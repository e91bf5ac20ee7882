"""What lies behind an error of requests or urllib3, in words that cannot hold a secret."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from typing import Any


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
