"""What splunkd tells a command of the search that it stands in: its name and its arguments."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

_QUOTED = r'"(?:\\.|[^"\\])*"'
_SEGMENT = re.compile(rf'(?:{_QUOTED}|[^|"])+')
_TOKEN = re.compile(rf'(?:{_QUOTED}|[^\s,"])+')


@dataclass(frozen=True)
class CommandLine:
    """A command of a search, with its arguments in the two forms that getinfo carries."""

    name: str
    args: list[str]
    """Quotes stripped: `pattern=\\w+`."""
    raw_args: list[str]
    """As typed: `pattern="\\w+"`."""


def find_command(search: str, names: Container[str]) -> CommandLine:
    """The first command of the pipeline that is one of these.

    A comma outside quotes separates arguments, as a blank does: splunklib's documentation of its
    parser says that Splunk strips them. So `fields=a,b` arrives in two pieces, `fields="a,b"` in
    one. Raises `ValueError` where no command fits.
    """
    if re.sub(_QUOTED, "", search).count('"'):
        raise ValueError(f"unbalanced quotes in search: {search}")
    for segment in _SEGMENT.findall(search):
        tokens = _TOKEN.findall(segment)
        if tokens and tokens[0] in names:
            raw = tokens[1:]
            return CommandLine(tokens[0], [_unquote(token) for token in raw], raw)
    raise ValueError(f"no command of this app in search: {search}")


def _unquote(token: str) -> str:
    # A recorded pattern="\w+" lost its quotes and kept its backslash.
    return re.sub(_QUOTED, lambda match: match[0][1:-1].replace('\\"', '"'), token)
