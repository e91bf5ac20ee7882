"""Names in the options that nothing in the catalogue has: a slip of the pen, which hides it all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from lofp_enrich.search.answer.options import Options
from lofp_enrich.search.knowledge.index import LookupIndex

_SHOWN = 6
"""Names that are offered."""
_OWN_SOURCES = frozenset(("deployed", "local", "software"))
"""Sources beside the catalogue: the site's own files, and known software."""


def unknown_names(index: LookupIndex, options: Options) -> Iterator[str]:
    """A sentence for each source and product that is asked for and not there, with what is.

    Raises SearchError where the catalogue cannot be read.
    """
    for option, column, own in (
        ("source", "sources", _OWN_SOURCES),
        ("product", "products", frozenset[str]()),
    ):
        asked = set(getattr(options, option)) - own
        lacking, there = index.lacking(column, asked)
        for name in sorted(lacking):
            offer = _offer(name, there | own)
            do = f"give {offer}" if offer else f"leave {option} out"
            yield f'{option} names "{name[:100]}", which nothing in the catalogue has; {do}.'


def _offer(name: str, there: Iterable[str]) -> str:
    """The names that there are, the nearest to `name` first, and how many more."""
    nearest = sorted(there, key=lambda each: (-_likeness(name, each), each))
    shown = [each[:100] for each in nearest[:_SHOWN]]
    if len(nearest) > _SHOWN:
        return f"{', '.join(shown)} or one of {len(nearest) - _SHOWN} others"
    return " or ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:100], other[:100]).ratio()
