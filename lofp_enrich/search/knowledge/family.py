"""A technique's entries in the form that ranking reads: a row or a few of `lofp_ranking.csv`.

A search for one alert must not pay for parsing a thousand rows of the catalogue. So the converter
writes what ranking needs of the entries under a technique as text that is searched, not parsed:
`write` and `Family` are the two ends of that text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from lofp_enrich.search.errors import SearchError

_PART = 30_000
"""Characters of a cell: a technique with more gets several rows. Splunk handles longer cells, but
KV store, spreadsheets and a person's editor are easier with these."""

ANY = "*"
"""What stands for the technique in the rows of all entries that name a cause, with the few words
that each is most about: for alerts that name no technique."""
_MOST_UNKNOWN = 300
"""Words that nobody speaks of and that are remembered as such: alerts have no end of them, and
most have the same few."""
_BLOCK = 500
"""Characters of the words' text, at least, that are searched for a word."""


class Member(NamedTuple):
    """An entry as far as ranking needs it."""

    entry_id: str
    kind: str
    check: str
    """`1` where the entry says what to check."""
    rule_count: int
    products: frozenset[str]
    sources: frozenset[str]
    techniques: tuple[str, ...]


class Postings(NamedTuple):
    """Who speaks of a word."""

    most: int
    """The largest of the weights, 0 where nobody does."""
    weights: Mapping[int, int]
    """Place among the members -> weight."""


_NOBODY = Postings(0, {})


class _Words:
    """The text `word=...;word=...` in the order of its words, in which one is found.

    A dict of all words takes ten times the memory and, of a technique with thousands of them, more
    time to make than all that a search asks of it. So the text is cut into blocks, and only the
    first word of each is known.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._heads: list[str] = []
        self._blocks: list[str] = []
        for text in texts:
            at = 0
            while at < len(text):
                end = text.find(";", at + _BLOCK)
                end = end if end >= 0 else len(text)
                self._heads.append(text[at : text.find("=", at)])
                self._blocks.append(f";{text[at:end]};")
                at = end + 1

    def behind(self, word: str) -> str | None:
        """What stands behind a word, None where the word is not there."""
        number = bisect_right(self._heads, word) - 1
        block = self._blocks[number] if number >= 0 else ""
        at = block.find(f";{word}=")
        return block[at + len(word) + 2 : block.index(";", at + 1)] if at >= 0 else None


class Family:
    """The entries of a technique and of all its sub-techniques, with `postings` of their words."""

    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        """`rows` are the cells part, entries, words of the technique's rows, in any order."""
        parts = sorted(rows, key=lambda row: int(row[0]) if row[0].isdigit() else 0)
        texts = [text for _, entries, _ in parts for text in entries.split("|") if text]
        try:
            self.members = tuple(map(_member, texts))
        except ValueError as error:
            raise SearchError(
                "lofp_ranking.csv is damaged; install the app again or run lofp-enrich build."
            ) from error
        self._words = _Words([words for _, _, words in parts])
        self._postings: dict[str, Postings] = {}
        self._unknown: set[str] = set()

    def postings(self, word: str) -> Postings:
        """The members that speak of a word (a stem, `words.stem`)."""
        found = self._postings.get(word)
        if found is None and word not in self._unknown:
            text = self._words.behind(word)
            if text is not None:
                weights = dict(self._places(text))
                found = self._postings[word] = Postings(max(weights.values(), default=0), weights)
            else:
                if len(self._unknown) >= _MOST_UNKNOWN:
                    self._unknown.clear()
                self._unknown.add(word)
        return found or _NOBODY

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        for pair in text.split(","):
            place, _, weight = pair.partition(":")
            known = place.isdigit() and weight.isdigit()
            if known and int(place) < len(self.members):
                yield int(place), int(weight)


def write(
    members: Sequence[Member], terms: Mapping[str, Iterable[tuple[str, int]]]
) -> Iterator[tuple[str, str, str]]:
    """The cells part, entries, words for the entries of a technique; `terms` by entry id."""
    postings: dict[str, list[str]] = {}
    for place, member in enumerate(members):
        for word, weight in terms[member.entry_id]:
            postings.setdefault(word, []).append(f"{place}:{weight}")
    entries = _cells(map(_text, members), "|")
    words = _cells((f"{word}={','.join(each)}" for word, each in sorted(postings.items())), ";")
    for part in range(max(len(entries), len(words))):
        yield (
            str(part),
            entries[part] if part < len(entries) else "",
            words[part] if part < len(words) else "",
        )


def _cells(texts: Iterable[str], separator: str) -> list[str]:
    cells: list[str] = []
    held: list[str] = []
    size = 0
    for text in texts:
        if held and size + len(text) > _PART:
            cells.append(separator.join(held))
            held, size = [], 0
        held.append(text)
        size += len(text) + 1
    return [*cells, separator.join(held)] if held else cells


def _text(member: Member) -> str:
    return "/".join(
        (
            member.entry_id,
            member.kind,
            member.check,
            str(member.rule_count),
            "+".join(sorted(member.products)),
            "+".join(sorted(member.sources)),
            "+".join(member.techniques),
        )
    )


def _member(text: str) -> Member:
    entry_id, kind, check, rule_count, products, sources, techniques = text.split("/")
    return Member(
        entry_id,
        kind,
        check,
        int(rule_count),
        _names(products),
        _names(sources),
        _list(techniques),
    )


# The same few lists stand in thousands of entries: each is made once.


@cache
def _names(text: str) -> frozenset[str]:
    return frozenset(text.split("+")) if text else frozenset()


@cache
def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split("+"))
