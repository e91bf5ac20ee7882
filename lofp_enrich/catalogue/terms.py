"""What an entry is about, as weighted words: computed here once, added up at search time."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache

from lofp_enrich.catalogue.model import Catalogue, Entry
from lofp_enrich.model import Rule
from lofp_enrich.search.alert.words import words

STATEMENT = 8.0
TITLE = 10.0
DESCRIPTION = 2.0
TERMS = 5.0
"""What a word of each text is worth, times how rare it is (natural logarithm)."""
LONG = 0.5
"""How far a long statement's words count less, as in BM25: 0 not at all, 1 in full."""
MOST = 80
"""Words kept of an entry, the heaviest first."""

_DESCRIPTION = 300
"""Characters of a description that are read: what follows is what an attacker would gain."""


class Terms:
    """The weighted words of a catalogue's entries."""

    def __init__(self, catalogue: Catalogue) -> None:
        entries = catalogue.entries
        seen: Counter[str] = Counter()
        for entry in entries:
            seen.update(_words(entry.statement).union(*(_words(r.title) for r in entry.rules)))
        self._rarity = {word: math.log(1 + len(entries) / count) for word, count in seen.items()}
        self._unseen = math.log(1 + len(entries))
        lengths = sum(len(_words(entry.statement)) for entry in entries)
        self._usual_length = max(1.0, lengths / max(1, len(entries)))

    def of(self, entry: Entry) -> list[tuple[str, int]]:
        """(stem, weight) of the statement and of the rules that make it, the heaviest first."""
        stated = _words(entry.statement)
        length = 1 - LONG + LONG * len(stated) / self._usual_length
        worth: dict[str, float] = dict.fromkeys(stated, STATEMENT / length)
        texts = [_texts(rule) for rule in entry.rules]
        for place, weight in enumerate((TITLE, DESCRIPTION, TERMS)):
            # A word that ten rules of the entry use is worth no more than one that a single one
            # uses: to count them, or to divide by them, found fewer of the right statements.
            for word in frozenset().union(*(text[place] for text in texts)):
                worth[word] = worth.get(word, 0.0) + weight
        weighted = (
            (word, round(each * self._rarity.get(word, self._unseen)))
            for word, each in worth.items()
        )
        return sorted(weighted, key=lambda term: (-term[1], term[0]))[:MOST]


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(words(text))


def _texts(rule: Rule) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    title = rule.title
    if rule.is_entry:
        # It stands under no rule's title, and its terms were chosen by hand: both say what it is.
        title = " ".join((*(fp.text for fp in rule.falsepositives), *rule.terms))
    return (
        _words(title),
        _words(rule.description[:_DESCRIPTION]),
        _words(" ".join(rule.terms)),
    )
