"""A tag page of LoFP's site, saved as HTML or as the text that a browser copies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from lofp_enrich.errors import RuleError
from lofp_enrich.model import FalsePositive, Location, Rule
from lofp_enrich.sources import fields

_CRUMB = re.compile(r"\bLoFP\s*/\s*(\S+)\s*$")
_CRUMB_CHARS = 300
_HEADER = re.compile(r"\s*Title\s*Tags\s*$")
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|table)\b", re.IGNORECASE)
_BLOCKS = frozenset(
    {
        "br",
        "div",
        "h1",
        "h2",
        "h3",
        "header",
        "li",
        "main",
        "nav",
        "p",
        "table",
        "title",
        "tr",
        "ul",
    }
)
_UNSEEN = frozenset({"script", "style"})
_END = "\f"


def rules(text: str, path: str) -> Iterator[Rule]:
    """One rule with all statements of the page under the page's tag; none for a text of others.

    Raises `RuleError` for a text that names LoFP and is no tag page, so that a new layout shows.
    """
    is_html = bool(_HTML.match(text))
    lines = _html_lines(text) if is_html else text.split("\n")
    tag = ""
    for number, line in enumerate(lines, start=1):
        crumb = _CRUMB.search(line) if len(line) < _CRUMB_CHARS else None
        if crumb:
            tag = crumb[1]
        elif tag and _HEADER.match(line):
            yield _rule(tag, lines[number:], Location(path, 0 if is_html else number))
            return
    if "LoFP" in text:
        message = "expected a tag page: a line `LoFP / <tag>`, then a list under `Title Tags`"
        raise RuleError(message, Location(path))


def _rule(tag: str, lines: list[str], location: Location) -> Rule:
    titles: dict[str, None] = {}
    for line in lines:
        if line == _END:
            break
        # In HTML the second cell of a row holds the tags of the statement.
        title = fields.fold(line.strip().split("\t")[0]).replace('\\"', '"')
        if title:
            titles[title] = None
    return Rule(
        source="lofp",
        id=tag,
        title=f"LoFP tag page {tag}",
        location=location,
        techniques=fields.technique_ids([tag]),
        falsepositives=tuple(map(FalsePositive, titles)),
    )


def _html_lines(text: str) -> list[str]:
    """The text of a page, a line for each block, tabs between the cells of a row."""
    parser = _Lines()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts).split("\n")


class _Lines(HTMLParser):
    """Reads text out of HTML; nothing is executed or fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.unseen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line for a block, a cell for a cell."""
        self.unseen = tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append("\t")

    def handle_endtag(self, tag: str) -> None:
        """End the line of a block; mark where a table ends, for a footer is no title."""
        self.unseen = False
        if tag in _BLOCKS:
            self.parts.append(f"\n{_END}\n" if tag == "table" else "\n")

    def handle_data(self, data: str) -> None:
        """Keep text, its white space folded."""
        if not self.unseen:
            self.parts.append(re.sub(r"\s+", " ", data))
