"""TOML as plain data with line numbers, the twin of `yamldoc`."""

from __future__ import annotations

import itertools
import re
import sys
from typing import Any

from lofp_enrich.errors import RuleError
from lofp_enrich.model import Location
from lofp_enrich.sources.fields import RuleNode

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


# A bracket of a long string or a comment; a basic string without escape; any other short string.
_QUOTE = re.compile(r"(\"{3}|'{3}|#)|\"([^\"'\\\n]*)\"|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[\"']")


def document(text: str, path: str) -> RuleNode:
    """The document of a TOML text, its tables as `RuleNode`.

    Raises `RuleError` with the line for anything that is not TOML.
    """
    try:
        data = loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        reason = re.sub(r" \(at .*", "", str(error))
        raise RuleError(f"not TOML: {reason}", Location(path, line)) from error
    except RecursionError as error:
        raise RuleError("not TOML: nested too deep", Location(path)) from error
    return _table(data, path, text, "", 0)


def loads(text: str) -> dict[str, Any]:
    """As `tomllib.loads`, a third faster on rules.

    tomllib reads a basic string one character at a time in Python, and a literal string with one
    search. A basic string without escapes means the same as a literal string, so it is made one.
    """
    try:
        return tomllib.loads(_literal(text))
    except tomllib.TOMLDecodeError:
        return tomllib.loads(text)  # so that a message is about the text as it is


def _literal(text: str) -> str:
    """The text with literal strings for basic ones where neither escape nor quote forbids it.

    Goes from one string or comment to the next, for a quote means nothing inside another. Where
    quotes are not those of plain strings the text stays as it is.
    """
    pieces: list[str] = []
    kept = position = 0
    while quote := _QUOTE.search(text, position):
        start, position = quote.span()
        opening, plain = quote.groups()
        if opening == "#":
            position = text.find("\n", start) + 1 or len(text)
        elif position - start == 1 or text[start - 1 : start] in ("'", '"'):
            return text
        elif plain is not None:
            pieces += (text[kept:start], "'", plain, "'")
            kept = position
        elif opening:
            end = text.find(opening, position)
            content = text[position:end]
            position = end + 3
            if end < 0 or (opening == '"""' and "\\" in content):
                return text
            if opening == '"""' and "'''" not in content:
                pieces += (text[kept:start], "'''", content, "'''")
                kept = position
    return "".join((*pieces, text[kept:]))


class _TomlTable(RuleNode):
    """A table that looks for its lines only when asked, as the parser keeps none."""

    def __init__(self, path: str, text: str, header: str, number: int) -> None:
        super().__init__(path)
        self.text = text
        self.header = header
        self.number = number
        """Which of the equal headers is this table's: `[[rule.threat]]` comes many times."""

    def at(self, key: str = "") -> Location:
        lines = self.text.split("\n")
        start = self._header_line(lines)
        if key:
            pattern = re.compile(
                rf"\s*\[*\s*(?:{re.escape(self.header)}\.)?[\"']?{re.escape(key)}[\"']?\s*[=\]]"
            )
            for index in range(start, len(lines)):
                if pattern.match(lines[index]):
                    return Location(self.path, index + 1)
        return Location(self.path, start + 1)

    def _header_line(self, lines: list[str]) -> int:
        headers = (
            index
            for index, line in enumerate(lines)
            if line.lstrip().startswith("[") and line.strip(" \t\r[]") == self.header
        )
        return next(itertools.islice(headers, self.number, None), 0)


def _table(data: dict[str, object], path: str, text: str, header: str, number: int) -> RuleNode:
    table = _TomlTable(path, text, header, number)
    for key, value in data.items():
        name = f"{header}.{key}" if header else key
        if isinstance(value, dict):
            table[key] = _table(value, path, text, name, 0)
        elif isinstance(value, list):
            table[key] = [
                _table(item, path, text, name, index) if isinstance(item, dict) else item
                for index, item in enumerate(value)
            ]
        else:
            table[key] = value
    return table
