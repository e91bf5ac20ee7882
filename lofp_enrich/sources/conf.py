"""Splunk's .conf format, as much of it as a savedsearches.conf needs.

The format: https://docs.splunk.com/Documentation/Splunk/latest/Admin/Aboutconfigurationfiles
"""

from __future__ import annotations

from collections.abc import Iterator

from lofp_enrich.errors import RuleError
from lofp_enrich.model import Location
from lofp_enrich.sources.fields import RuleNode


def stanzas(text: str, path: str) -> Iterator[tuple[str, RuleNode] | RuleError]:
    """The stanzas of a .conf file as (name, settings), all values as text, in order.

    A line that ends in a backslash goes on in the next, the line break kept. Of two equal settings
    the last wins, as in Splunk. What stands before the first stanza belongs to none.

    A line that is no stanza, setting or comment comes as a `RuleError` and costs nothing else.
    """
    name = ""
    stanza = RuleNode(path)
    for number, line in _joined(text):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped[0] == "[" and stripped[-1] == "]":
            if name:
                yield name, stanza
            name = stripped[1:-1]
            stanza = RuleNode(path, number)
            continue
        key, equals, value = stripped.partition("=")
        if not equals:
            yield RuleError("expected `setting = value`", Location(path, number))
            continue
        stanza[key.rstrip()] = value.lstrip()
        stanza.lines[key.rstrip()] = number
    if name:
        yield name, stanza


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """The logical lines, each with the number of its first."""
    start = 0
    parts: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        start = start or number
        goes_on = line.endswith("\\")
        parts.append(line[:-1] if goes_on else line)
        if not goes_on:
            yield start, "\n".join(parts)
            start, parts = 0, []
    if parts:
        yield start, "\n".join(parts)
