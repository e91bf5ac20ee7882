"""JSON as people save alerts: values on a line each, or laid out over many lines."""

from __future__ import annotations

import json
import re
from typing import Any


def _number(text: str) -> float | str:
    """A number, or the text of one that Python has no number for: JSON knows no Infinity."""
    number = float(text)
    return number if number - number == 0 else text


def _whole(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:  # thousands of digits, which Python refuses to count
        return text


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_whole, parse_constant=str)
_MARGIN = re.compile(r"[\ufeff \t]*")
_GAP = re.compile(r"[ \t]*(?:,[ \t]*)?")
LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line of a file, which `str.splitlines` sees in other places, too."""


class Unfinished(ValueError):
    """A line that is JSON as far as it goes."""


def values_from(text: str, at: int = 0) -> tuple[list[Any], int]:
    """The values from `at` to the end of the line on which the last ends, and where that is.

    A comma may follow a value, as inside of an array. Raises ValueError where it is no JSON, and
    RecursionError where it is nested too deep.
    """
    values = []
    at = _after(_MARGIN, text, at)
    while True:
        value, at = _DECODER.raw_decode(text, at)
        values.append(value)
        at = _after(_GAP, text, at)
        if at == len(text):
            return values, at
        end = LINE_END.match(text, at)
        if end:
            return values, end.end()


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def values_of_line(line: str) -> list[Any]:
    """As `values_from`; raises Unfinished where more lines could make it whole."""
    try:
        values, end = values_from(line)
    except json.JSONDecodeError as error:
        if error.pos >= len(line.rstrip()):
            raise Unfinished from error
        raise
    if end < len(line) or not all(map(holds_objects, values)):
        raise ValueError
    return values


def holds_objects(value: Any) -> bool:
    """Whether a value could be alerts: an object, or a list with some in it or of nothing."""
    if isinstance(value, list):
        return not value or any(isinstance(each, dict) for each in value)
    return isinstance(value, dict)


def begins_json(line: str) -> bool:
    """Whether a first line speaks for JSON: it is, it goes on, or it is nested out of reach."""
    try:
        values_of_line(line)
    except (Unfinished, RecursionError):
        return True
    except ValueError:
        return False
    return True


def is_json(line: str) -> bool:
    """Whether a line is JSON that could be alerts."""
    try:
        return line.lstrip("\ufeff \t")[:1] in ("{", "[") and bool(values_of_line(line))
    except (ValueError, RecursionError):
        return False
