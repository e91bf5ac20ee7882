"""The order of explanations: which of the statements under a technique fit this alert.

Pure functions over rows of the catalogue. A score is a sum of parts that mean the same for every
alert, 0 to 100: how near the techniques are, what kind of statement it is, whether the product
fits, and how much of what the alert says the entry speaks of. The weights were tuned on half of a
retrieval benchmark and checked on rules left out of the catalogue; docs/performance.md has the
measurements and what else was tried.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lofp_enrich.search.attack import parent
from lofp_enrich.search.context import Context
from lofp_enrich.search.index import EntryRow, Family, LookupIndex
from lofp_enrich.search.words import words

NEARNESS = {"technique": 10.0, "parent": 4.0, "child": 0.0}
"""Points where the statement is under a technique of the alert, the one above it, one below it."""
SAME_TECHNIQUES = 10.0
"""Points where the statement's techniques are the alert's and no others: what both lists share, of
all that either names. Rules for one behaviour name the same few techniques."""
KIND = {"benign": 10.0, "generic": 2.0, "advice": 0.0}
"""Points for a statement that names a cause over one that is true of everything."""
CHECK = 5.0
"""Points for a statement that says what to look at to tell it from an attack."""
PRODUCT_FITS, PRODUCT_UNKNOWN = 10.0, 5.0
"""Points where the product of the log is the alert's, and where one of the two is not known."""
WORDS = 60.0
"""Points that shared words can give at most; reached only in the limit."""
ENOUGH = 250.0
"""Weight of shared words that gives two thirds of these points (weights: `lofp_enrich.terms`)."""
SPREAD = 1.0
"""Points off each time the number of techniques that a statement stands under doubles."""
SAME_TEMPLATE = 0.5
"""Share of words from which on two statements are one template with another subject."""


class Ranked(NamedTuple):
    """An entry at its place in the answer."""

    entry: EntryRow
    match: str
    """`technique`, `parent` or `child`."""
    score: float
    shared: tuple[str, ...]
    """Words of the alert that the entry speaks of, the weightiest first."""


class Candidate(NamedTuple):
    """An entry that explains one of an alert's techniques, before the alert is looked at."""

    entry: EntryRow
    match: str
    points: float


class Meeting(NamedTuple):
    """Where a statement's techniques and an alert's meet, current IDs both; empty for nowhere."""

    match: str
    """`technique`, `parent` or `child`: what the statement's technique is to the alert's."""
    stated: str
    of_alert: str


class Candidates:
    """All entries for a set of techniques, with what is the same for every alert that has them."""

    def __init__(
        self, index: LookupIndex, techniques: Sequence[str], keep: Callable[[EntryRow], bool]
    ) -> None:
        bases = dict.fromkeys(map(parent, techniques))
        self._families: list[Family] = [index.family(base) for base in bases]
        self._found: dict[str, Candidate] = {}
        for family in self._families:
            for entry in family.entries:
                match = meeting(entry.techniques, techniques).match
                if match and keep(entry):
                    points = _points(entry, match, techniques)
                    self._found[entry.entry_id] = Candidate(entry, match, points)
        self._orders: dict[frozenset[str], list[tuple[float, int, str]]] = {}

    @property
    def ids(self) -> Iterable[str]:
        """The ids of all candidates."""
        return self._found.keys()

    def rank(self, context: Context, most: int, min_score: float = 0.0) -> list[Ranked]:
        """The best `most` candidates for an alert, best first; ties by rule count, then id.

        Only candidates that share a word with the alert are scored anew; the order of all the
        others is the same for every alert of the same products.
        """
        shared = self._shared_weights(context)
        scored = sorted(
            _key(self._found[entry_id], context.products, weight)
            for entry_id, weight in shared.items()
        )
        others = (key for key in self._order(context.products) if key[2] not in shared)
        chosen: list[Ranked] = []
        spoken: list[set[str]] = []
        for score, _, entry_id in heapq.merge(scored, others):
            if len(chosen) == most or -score < min_score:
                break
            entry, match, _ = self._found[entry_id]
            mine = set(words(entry.statement))
            if _is_news(mine, spoken, context):
                spoken.append(mine)
                chosen.append(Ranked(entry, match, -score, _shared_words(entry, context)))
        return chosen

    def _shared_weights(self, context: Context) -> dict[str, int]:
        """How much each candidate shares with the alert, by entry id; only those that do."""
        shared: dict[str, int] = {}
        for family in self._families:
            # An entry under two techniques of the alert is in both families, with equal weights.
            here: dict[str, int] = {}
            for word in context.words:
                for entry_id, weight in family.postings.get(word, ()):
                    here[entry_id] = here.get(entry_id, 0) + weight
            shared.update(here)
        return {entry_id: w for entry_id, w in shared.items() if entry_id in self._found}

    def _order(self, products: frozenset[str]) -> list[tuple[float, int, str]]:
        if products not in self._orders:
            self._orders[products] = sorted(
                _key(candidate, products, 0) for candidate in self._found.values()
            )
        return self._orders[products]


def meeting(stated: Sequence[str], techniques: Sequence[str]) -> Meeting:
    """The nearest meeting of `stated` techniques with an alert's."""
    for technique in techniques:
        if technique in stated:
            return Meeting("technique", technique, technique)
    for technique in techniques:
        if parent(technique) in stated:
            return Meeting("parent", parent(technique), technique)
    for each in stated:
        if parent(each) in techniques:
            return Meeting("child", each, parent(each))
    return Meeting("", "", "")


def shared_weight(entry: EntryRow, context: Context) -> int:
    """How much of what the alert says the entry speaks of."""
    return sum(weight for word, weight in entry.terms if word in context.words)


def _points(entry: EntryRow, match: str, techniques: Sequence[str]) -> float:
    points = NEARNESS[match] + KIND.get(entry.kind, 0.0)
    points += CHECK if entry.check else 0.0
    points -= SPREAD * math.log2(len(entry.techniques))
    ours, theirs = _most_specific(entry.techniques), _most_specific(techniques)
    return points + SAME_TECHNIQUES * len(ours & theirs) / len(ours | theirs)


def _most_specific(techniques: Iterable[str]) -> set[str]:
    """Without the techniques that one of their own sub-techniques stands beside: tools add them."""
    above = {parent(each) for each in techniques if parent(each) != each}
    return set(techniques) - above


def _key(candidate: Candidate, products: frozenset[str], weight: int) -> tuple[float, int, str]:
    """Sorts best first; the score, negative, comes first in it."""
    points = candidate.points + WORDS * (1 - math.exp(-weight / ENOUGH))
    entry = candidate.entry
    if not entry.products or not products:
        points += PRODUCT_UNKNOWN
    elif not entry.products.isdisjoint(products):
        points += PRODUCT_FITS
    return -min(100.0, max(0.0, points)), -entry.rule_count, entry.entry_id


def _shared_words(entry: EntryRow, context: Context) -> tuple[str, ...]:
    return tuple(context.words[word] for word, _ in entry.terms if word in context.words)


def _is_news(mine: set[str], spoken: Iterable[set[str]], context: Context) -> bool:
    """Whether a statement adds to those before it: no second of a template family.

    "<X> may be done by an administrator" stands there for sixty X. A second one is news only where
    the words that set it apart from the first are words of the alert.
    """
    alike = (held for held in spoken if len(mine & held) >= SAME_TEMPLATE * len(mine | held))
    return all(not (mine - held).isdisjoint(context.words) for held in alike)
