"""An entry as a lookup holds it, and all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lofp_enrich.model import Conditions, Rule


@dataclass(frozen=True)
class Entry:
    """A statement with all the rules that make it, which is a row of `lofp_entries.csv`."""

    id: str
    """First 12 hex digits of the SHA-256 of the folded statement."""
    statement: str
    kind: str
    """`benign`, `generic` or `advice`; a placeholder never becomes an entry."""
    generated: bool
    check: str
    techniques: tuple[str, ...]
    """Current ATT&CK IDs, sorted."""
    rules: tuple[Rule, ...]
    """Sorted by source, title, id."""
    against: str = ""
    conditions: Conditions | None = None

    @property
    def is_exclusion(self) -> bool:
        """It is what its rules leave out, not what they say of themselves."""
        return bool(self.conditions and self.conditions.exclusion)


@dataclass(frozen=True)
class Catalogue:
    """All entries, sorted by id, what was left out of them, and the rules that are known."""

    entries: tuple[Entry, ...]
    statements: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(source, kind) -> how many statements of rules; `placeholder` ones become no entry."""
    rules: tuple[Rule, ...] = ()
    """Rules that state something or have a technique, sorted by source, id, title; no own entry."""
    products: tuple[Mapping[str, Any], ...] | None = None
    """Known software, sorted by key; None where no source adds to our own."""
