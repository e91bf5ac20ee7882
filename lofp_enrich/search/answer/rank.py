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
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

from lofp_enrich.search.alert.context import Context
from lofp_enrich.search.alert.platform import products_for
from lofp_enrich.search.alert.words import words
from lofp_enrich.search.attack import parent
from lofp_enrich.search.knowledge.columns import split_list
from lofp_enrich.search.knowledge.conditions import ConditionsIndex, Shortlist
from lofp_enrich.search.knowledge.family import ANY, Family, Member
from lofp_enrich.search.knowledge.index import EntryRow, LookupIndex

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
NEVER = -1000.0
"""Points below which an entry is left out: it is about another platform than the alert."""
SAYS_ENOUGH, ANCHOR = 90.0, 40.0
"""What an explanation must share with an alert that says what ran, in all and of what ran, of what
was done or of what the rule is called: with less it has nothing to do with it."""
SAYS_LITTLE = 15.0
"""The same for an alert that does not say what ran."""
MUTE = 200.0
"""What it must share in all where the statement itself has no word of the alert and names no
check: then it is only its rule that is alike."""
BY_WORDS, BY_WORDS_ANCHOR, BY_WORDS_SHARE = 280.0, 120.0, 0.25
"""What it must share with an alert that names no technique and no known rule: in all, of what ran
or was done, and as a part of all that the explanation is most about."""
_TUNED_ON = 10_000
"""Entries of the catalogue that these were tuned on; of a small one the words weigh less."""
LOOKED = 60
"""Candidates that are looked at beyond those that are wanted."""
WORDS = 60.0
"""Points that shared words can give at most; reached only in the limit."""
ENOUGH = 250.0
"""Weight of shared words that gives two thirds of these points (weights: `catalogue.terms`)."""
SPREAD = 1.0
"""Points off each time the number of techniques that a statement stands under doubles."""
_MOST_ORDERS = 16
"""Orders of the same candidates, one for each platform that an alert may be about."""
_FEW = 50
"""Hits that are sorted at once."""
SAME_TEMPLATE = 0.5
"""Share of words from which on two statements are one template with another subject."""


class Ranked(NamedTuple):
    """An entry at its place in the answer."""

    entry: EntryRow
    match: str
    """`technique`, `parent`, `child`, or `words` where the alert names no technique."""
    score: float
    shared: tuple[str, ...]
    """Words of the alert that the entry speaks of, the weightiest first."""


class Meeting(NamedTuple):
    """Where a statement's techniques and an alert's meet, current IDs both; empty for nowhere."""

    match: str
    """`technique`, `parent` or `child`: what the statement's technique is to the alert's."""
    stated: str
    of_alert: str


class Candidates:
    """All entries for a set of techniques, with what is the same for every alert that has them."""

    def __init__(
        self,
        index: LookupIndex,
        techniques: Sequence[str],
        keep: Callable[[Member], bool],
        exact: bool = False,
        aside: Container[str] = (),
    ) -> None:
        """With `exact`, no statement of a technique above or below the alert's. Entries that are
        `aside` are never ranked: they are explanations only where their conditions are met."""
        self._index = index
        self._by_words = ANY in techniques
        # A word's weight grows with the number of entries that do not have it.
        self._scale = min(1.0, math.log(1 + index.size) / math.log(1 + _TUNED_ON))
        bases = dict.fromkeys(map(parent, techniques))
        self._families = [index.family(base) for base in bases]
        near = _nearness_of(techniques)
        found: dict[str, tuple[Member, str, float]] = {}
        for member in chain.from_iterable(family.members for family in self._families):
            match, points = near(member.techniques)
            if match and (match not in ("parent", "child") or not exact) and keep(member):
                own = 2 * NEVER if member.entry_id in aside else _points_of(member)
                found[member.entry_id] = member, match, points + own
        # Numbered in the order in which ties are broken: many rules first, then by id.
        ordered = sorted(found.values(), key=lambda each: (-each[0].rule_count, each[0].entry_id))
        self._members = [member for member, _, _ in ordered]
        self._matches = [match for _, match, _ in ordered]
        self._points = [points for _, _, points in ordered]
        numbers = {member.entry_id: number for number, member in enumerate(self._members)}
        self._numbers = [
            [numbers.get(member.entry_id, -1) for member in family.members]
            for family in self._families
        ]
        """For each family and place in it: the candidate's number, -1 where it is none."""
        self._places = [
            {number: place for place, number in enumerate(each) if number >= 0}
            for each in self._numbers
        ]
        self._numbers_by_id = numbers
        self._shortlist: Shortlist | None = None
        self.ids = {entry_id for entry_id in numbers if entry_id not in aside}
        """The ids of all candidates that are ranked."""
        self._orders: dict[
            tuple[frozenset[str], bool], tuple[list[float], list[tuple[float, int]]]
        ] = {}

    def rank(self, context: Context, most: int, min_score: float = 1.0) -> list[Ranked]:
        """The best `most` candidates for an alert, best first; ties by rule count, then id.

        Only candidates that share a word with the alert are scored anew; the order of all the
        others is the same for every alert of the same products. With a `min_score` of 0 all
        are shown; otherwise not what is about another platform, nor what does not say enough of
        what the alert says.
        """
        return list(self._rank(context, most, min_score))

    def _rank(self, context: Context, most: int, min_score: float) -> Iterator[Ranked]:
        strict = self._by_words or (min_score != 0 and not context.bare)
        points, order = self._without_words(products_for(context.platform), min_score == 0)
        # What tells is at most what is shared: most need no closer look.
        least = (SAYS_ENOUGH if context.ran else SAYS_LITTLE) * self._scale if strict else 0.0
        if strict and not context.ran and not context.anchors:
            least = 0.0
        if self._by_words:
            least = BY_WORDS * self._scale
        spoken_of = [_spoken_of(family, context) for family in self._families]
        known = {word for of_family in spoken_of for _, word, _, _ in of_family}
        shared = self._shared_weights(spoken_of, least)
        hits = [(-points[n] - _word_points(w), n) for n, w in shared.items() if points[n] > NEVER]
        spoken: list[Set[str]] = []
        others = (each for each in order if each[1] not in shared)
        nearest = _ascending(hits) if strict else heapq.merge(_ascending(hits), others)
        for looked, (score, number) in enumerate(nearest):
            within = min(100.0, max(0.0, -score))
            if len(spoken) == most or within < min_score or looked > most + LOOKED:
                break
            terms = self._shared_terms(number, spoken_of)
            if strict and not self._by_words and not _says_enough(terms, context, self._scale):
                continue
            entry = self._index.entry(self._members[number].entry_id)
            if entry is None or (self._by_words and not _is_it(entry, terms, context, self._scale)):
                continue
            mine = _stems(entry.statement)
            if strict and not _speaks(entry, mine, terms, context, known, self._scale):
                continue
            if _is_news(mine, spoken, known):
                spoken.append(mine)
                yield self._ranked(number, entry, within, terms, context)

    def _ranked(
        self, number: int, entry: EntryRow, score: float, terms: dict[str, float], context: Context
    ) -> Ranked:
        by_weight = sorted(terms, key=lambda word: (-terms[word], word))
        shared = tuple([context.words[word] for word in by_weight])
        return Ranked(entry, self._matches[number], score, shared)

    def conditioned(self, conditions: ConditionsIndex) -> Shortlist:
        """The candidates that have conditions; found once."""
        if self._shortlist is None:
            self._shortlist = conditions.shortlist(self._numbers_by_id.keys())
        return self._shortlist

    def at(self, entry_id: str, context: Context) -> Ranked | None:
        """One candidate with its score, None where the catalogue has lost it."""
        number = self._numbers_by_id.get(entry_id, -1)
        entry = self._index.entry(entry_id)
        if number < 0 or entry is None:
            return None
        points, _ = self._without_words(products_for(context.platform), True)
        spoken_of = [_spoken_of(family, context) for family in self._families]
        terms = self._shared_terms(number, spoken_of)
        score = points[number] + _word_points(sum(terms.values()))
        return self._ranked(number, entry, min(100.0, max(0.0, score)), terms, context)

    def _shared_weights(
        self, spoken_of: Sequence[Sequence[_Word]], least: float
    ) -> dict[int, float]:
        """How much each candidate shares with the alert, by number; those with `least` or more.

        Words that stand in many entries weigh little, and summing them up is most of the work. So
        the weightiest words name the candidates, until all that are left together are less than
        `least`; what is left is looked up for these alone.
        """
        shared: dict[int, float] = {}
        for of_family, numbers in zip(spoken_of, self._numbers):
            # An entry under two techniques of the alert is in both families, with equal weights.
            for place, total in _sums(sorted(of_family, key=_heaviest_first), least).items():
                if numbers[place] >= 0:
                    shared[numbers[place]] = total
        return shared

    def _shared_terms(self, number: int, spoken_of: Sequence[Sequence[_Word]]) -> dict[str, float]:
        """What a candidate shares with the alert: stem -> weight."""
        found: dict[str, float] = {}
        for of_family, places in zip(spoken_of, self._places):
            place = places.get(number)
            if place is not None:
                for _, word, worth, weights in of_family:
                    if place in weights:
                        found[word] = weights[place] * worth
        return found

    def _without_words(
        self, products: frozenset[str], all_of_them: bool
    ) -> tuple[list[float], list[tuple[float, int]]]:
        """Points of every candidate for an alert of these products, and all that fit in order."""
        key = products, all_of_them
        if key not in self._orders:
            other = 0.0 if all_of_them else 2 * NEVER
            points = [
                points + _product_points(member.products, products, other)
                for points, member in zip(self._points, self._members)
            ]
            order = sorted((-each, n) for n, each in enumerate(points) if each > NEVER)
            if len(self._orders) >= _MOST_ORDERS:
                self._orders.clear()
            self._orders[key] = points, order
        return self._orders[key]


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


def weights_of(entry: EntryRow) -> dict[str, int]:
    """What an entry is most about: stem -> weight."""
    terms = (term.partition(":") for term in split_list(entry.terms))
    return {word: int(weight) for word, _, weight in terms if weight.isdigit()}


def shared_weight(entry: EntryRow, context: Context) -> int:
    """How much of what the alert says a rule's own statement speaks of."""
    terms = weights_of(entry).items()
    return sum(
        round(weight * context.worth[word]) for word, weight in terms if word in context.worth
    )


_Word = tuple[float, str, float, Mapping[int, int]]
"""A word of the alert: the most that it shares with an entry, itself, what it is worth in the
alert, and what it weighs in each entry that speaks of it."""


def _spoken_of(family: Family, context: Context) -> list[_Word]:
    """The words of the alert of which entries of a family speak."""
    found = []
    for word, worth in context.worth.items():
        most, weights = family.postings(word)
        if most:
            found.append((most * worth, word, worth, weights))
    return found


def _heaviest_first(each: _Word) -> float:
    return -each[0]


def _sums(words: Sequence[_Word], least: float) -> dict[int, float]:
    """Place -> sum of its weights, exact for every place that has `least` or more; only those.

    The weightiest words come first.
    """
    left = sum([most for most, _, _, _ in words])
    sums: dict[int, float] = {}
    for most, _, worth, weights in words:
        if left < least:
            # Whoever is not there by now cannot reach `least`, nor can who is too far behind.
            sums = {place: total for place, total in sums.items() if total + left >= least}
            few, many = (sums, weights) if len(sums) < len(weights) else (weights, sums)
            for place in few:
                if place in many:
                    sums[place] += weights[place] * worth
        elif sums:
            for place, weight in weights.items():
                sums[place] = sums.get(place, 0.0) + weight * worth
        else:
            sums = {place: weight * worth for place, weight in weights.items()}
        left -= most
    return {place: total for place, total in sums.items() if total >= least}


def _nearness_of(techniques: Sequence[str]) -> Callable[[tuple[str, ...]], tuple[str, float]]:
    """Match and points of a statement's techniques; the same few lists stand in many entries."""
    ours = _most_specific(techniques)
    if ANY in techniques:
        return lambda stated: ("words", -SPREAD * math.log2(len(stated)))

    @cache
    def near(stated: tuple[str, ...]) -> tuple[str, float]:
        match = meeting(stated, techniques).match
        theirs = _most_specific(stated)
        points = NEARNESS.get(match, 0.0) - SPREAD * math.log2(len(stated))
        return match, points + SAME_TECHNIQUES * len(ours & theirs) / len(ours | theirs)

    return near


def _most_specific(techniques: Iterable[str]) -> set[str]:
    """Without the techniques that one of their own sub-techniques stands beside: tools add them."""
    above = {parent(each) for each in techniques if parent(each) != each}
    return set(techniques) - above


def _ascending(hits: list[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    """`hits` in order, sorted only as far as somebody asks: of hundreds, three are wanted."""
    if len(hits) <= _FEW:
        yield from sorted(hits)
        return
    heapq.heapify(hits)
    while hits:
        yield heapq.heappop(hits)


def _points_of(member: Member) -> float:
    return KIND.get(member.kind, 0.0) + (CHECK if member.check else 0.0)


def _product_points(stated: frozenset[str], of_alert: frozenset[str], other: float) -> float:
    if not stated or not of_alert:
        return PRODUCT_UNKNOWN
    return other if stated.isdisjoint(of_alert) else PRODUCT_FITS


@lru_cache(maxsize=16_384)
def _stems(statement: str) -> frozenset[str]:
    return frozenset(words(statement))


def _word_points(weight: float) -> float:
    return WORDS * (1 - math.exp(-weight / ENOUGH))


def _says_enough(terms: Mapping[str, float], context: Context, scale: float) -> bool:
    """Whether what is shared sets this alert apart from others."""
    if not context.ran and not context.anchors:
        return True
    tells = {word: weight * context.tells[word] for word, weight in terms.items()}
    anchored = sum(weight for word, weight in tells.items() if word in context.anchors)
    if context.ran:
        return sum(tells.values()) >= SAYS_ENOUGH * scale and anchored >= ANCHOR * scale
    return anchored >= SAYS_LITTLE * scale


def _is_it(entry: EntryRow, terms: Mapping[str, float], context: Context, scale: float) -> bool:
    """Whether what is shared is enough by itself, without a technique that says what it is."""
    tells = {word: weight * context.tells[word] for word, weight in terms.items()}
    told = sum(tells.values())
    anchored = sum(weight for word, weight in tells.items() if word in context.anchors)
    return (
        told >= BY_WORDS * scale
        and anchored >= BY_WORDS_ANCHOR * scale
        and told >= BY_WORDS_SHARE * sum(weights_of(entry).values())
    )


def _speaks(
    entry: EntryRow,
    mine: Set[str],
    terms: Mapping[str, float],
    context: Context,
    known: Set[str],
    scale: float,
) -> bool:
    """Whether an explanation speaks of what ran. `known` are the words of the alert of which any
    candidate speaks."""
    if not context.ran:
        return True
    if entry.kind == "generic":
        return False
    if entry.check or not mine.isdisjoint(known):
        return True
    return sum(weight * context.tells[word] for word, weight in terms.items()) >= MUTE * scale


def _is_news(mine: Set[str], spoken: Iterable[Set[str]], known: Set[str]) -> bool:
    """Whether a statement adds to those before it: no second of a template family.

    "<X> may be done by an administrator" stands there for sixty X. A second one is news only where
    the words that set it apart from the first are `known` words of the alert.
    """
    if not mine:
        return True  # a statement in a script that `words` does not read is like no other
    alike = (held for held in spoken if len(mine & held) >= SAME_TEMPLATE * len(mine | held))
    return all(not (mine - held).isdisjoint(known) for held in alike)
