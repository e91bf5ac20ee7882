"""Rules to entries: the same statement of many rules becomes one entry that knows them all."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

from lofp_enrich.catalogue import exclusions
from lofp_enrich.catalogue.kinds import kind_of
from lofp_enrich.catalogue.model import Catalogue, Entry
from lofp_enrich.model import FalsePositive, Rule
from lofp_enrich.search.attack import Attack

_QUOTES = re.compile(r"[\"'`\u2018\u2019\u201c\u201d]")
_FINAL = " .,;:!?"


def merge(rules: Iterable[Rule], attack: Attack) -> Catalogue:
    """Merges statements that differ only in case, spacing, quote marks or final punctuation.

    Nothing is merged by similarity: "valid users" and "invalid users" differ by two letters.
    Two rules with one id and different titles are two: a fork, or a clone that kept the id.
    """
    stated: dict[str, list[tuple[FalsePositive, Rule]]] = {}
    statements: Counter[tuple[str, str]] = Counter()
    known: dict[tuple[str, str, str], Rule] = {}
    for rule in sorted(rules, key=_rule_order):
        if rule.techniques and not rule.is_entry:
            known[identity(rule)] = rule
        for falsepositive in rule.falsepositives:
            kind = kind_of(falsepositive.text)
            statements[rule.source, kind] += 1
            if kind != "placeholder":
                stated.setdefault(fold(falsepositive.text), []).append((falsepositive, rule))
        for left_out in exclusions.statements(rule):
            stated.setdefault(fold(left_out.text), []).append((left_out, rule))
    entries = sorted(
        (_entry(folded, pairs, attack) for folded, pairs in stated.items()),
        key=lambda entry: entry.id,
    )
    for entry in entries:
        stating = () if entry.is_exclusion else entry.rules
        known.update((identity(rule), rule) for rule in stating if not rule.is_entry)
    return Catalogue(tuple(entries), statements, tuple(known[key] for key in sorted(known)))


def identity(rule: Rule) -> tuple[str, str, str]:
    """What makes two rules one: source, id and title."""
    return rule.source, rule.id, rule.title


def fold(statement: str) -> str:
    """What two spellings of one statement have in common; the entry id is made of it."""
    return " ".join(_QUOTES.sub("", statement).casefold().split()).rstrip(_FINAL)


def entry_id(folded: str) -> str:
    """12 hex digits that stay the same from build to build, of any text: half a character too."""
    return hashlib.sha256(folded.encode(errors="replace")).hexdigest()[:12]


def _entry(folded: str, pairs: list[tuple[FalsePositive, Rule]], attack: Attack) -> Entry:
    spellings = Counter(" ".join(falsepositive.text.split()) for falsepositive, _ in pairs)
    statement = min(spellings, key=lambda text: (-spellings[text], text))
    rules = {identity(rule): rule for _, rule in pairs}
    excluded = any(each.conditions and each.conditions.exclusion for each, _ in pairs)
    return Entry(
        id=entry_id(folded),
        statement=statement,
        kind="benign" if excluded else kind_of(statement),
        generated=all(falsepositive.generated for falsepositive, _ in pairs),
        check=next((falsepositive.check for falsepositive, _ in pairs if falsepositive.check), ""),
        techniques=tuple(
            sorted({attack.current(t) for rule in rules.values() for t in rule.techniques})
        ),
        rules=tuple(sorted(rules.values(), key=_rule_order)),
        against=next((fp.against for fp, _ in pairs if fp.against), ""),
        conditions=next((fp.conditions for fp, _ in pairs if fp.conditions), None),
    )


def _rule_order(rule: Rule) -> tuple[bool, str, str, str]:
    """Live rules first: the first rule of an entry is the one it is cited by."""
    return rule.deprecated, rule.source, rule.title, rule.id
