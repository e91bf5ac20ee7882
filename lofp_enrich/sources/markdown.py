"""The little of Markdown that investigation guides need: what a section lists, as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lofp_enrich.sources.fields import fold

_HEADING = re.compile(r"\s{0,3}(#{1,6})(.*)")
_BULLET = re.compile(r"^[ \t]*[-*][ \t]+", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n(?=\S)")

_ANY_MARK = re.compile(r"[`*_$\[\0]")
_CODE = re.compile(r"`+([^`]*)`+")
# Each of these stops at the next character that could begin another match, so that no text takes
# more than linear time.
_MARKS = (
    (re.compile(r"\$(?:investigate|osquery)_\d+"), ""),  # buttons in Kibana, nothing elsewhere
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)"), r"\1"),
    (re.compile(r"\*\*(?=\S)([^*]+)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]*[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)(__?)(?=[^\s_])([^_]+)\1(?!\w)"), r"\2"),
)


def items(text: str, heading: re.Pattern[str]) -> Iterator[str]:
    """What the sections under a heading list, marks and all: each bullet, nested ones too.

    Text before the first bullet is an item as well, for some sections have nothing else. A
    paragraph after a bullet is about the whole section ("Validate the change against:") and is
    left out. A section ends at the next heading of the same or a higher level.
    """
    for section in _sections(text, heading):
        before, *bullets = _BULLET.split(section)
        for item in (before, *(_PARAGRAPH.split(bullet)[0] for bullet in bullets)):
            if item.strip():
                yield item


def _sections(text: str, heading: re.Pattern[str]) -> Iterator[str]:
    """The sections under a heading; headings inside them become blank lines."""
    lines: list[str] = []
    level = 0
    for line in [*text.split("\n"), "#"]:
        found = _HEADING.match(line)
        if not found:
            lines.append(line)
        elif level and len(found[1]) > level:
            lines.append("")
        else:
            if level:
                yield "\n".join(lines)
            lines = []
            level = len(found[1]) if heading.search(found[2].rstrip()) else 0


def plain(text: str) -> str:
    """The text without emphasis, code marks, buttons and the targets of links, folded."""
    if not _ANY_MARK.search(text):
        return fold(text)
    codes: list[str] = []

    def keep(match: re.Match[str]) -> str:
        codes.append(match[1])
        return "\0"

    # What stands in code marks is no Markdown: `*` and `_` in it are meant.
    text = _CODE.sub(keep, text.replace("\0", ""))
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    pieces = text.split("\0")
    return fold("".join(a + b for a, b in zip(pieces, [*codes, ""])))
