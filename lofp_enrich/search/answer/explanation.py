"""An explanation from each of the places that it can come from, in the words an analyst reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lofp_enrich.search.answer import rank
from lofp_enrich.search.answer.actors import Actor, check_of, statement_of
from lofp_enrich.search.answer.weigher import Weigher
from lofp_enrich.search.knowledge.deployed import DeployedRule
from lofp_enrich.search.knowledge.index import EntryRow, RuleRow
from lofp_enrich.search.knowledge.local import LocalRow


class Explanation(NamedTuple):
    """One explanation of an alert: a value of each output list."""

    statement: str
    match: str
    rule: str
    entry_id: str = ""
    check: str = ""
    kind: str = ""
    score: str = ""
    technique: str = ""
    technique_in: str = ""
    source: str = ""
    url: str = ""
    why: str = ""
    evidence: str = "open"
    because: str = ""
    software: str = ""
    against: str = ""


def weighed(found: Explanation, weigh: Weigher) -> Explanation:
    """An explanation of the catalogue with what speaks for it and against it in the alert."""
    if not found.entry_id:
        return found
    evidence = weigh.entry(found.entry_id)
    return found._replace(
        evidence=evidence.state, because=evidence.because, software=evidence.software
    )


def actor(found: Actor) -> Explanation:
    """Known software that the alert shows, with what it does there."""
    return Explanation(
        statement_of(found),
        "software",
        "known software (lofp_enrich)",
        check=check_of(found),
        kind="actor",
        score="0",
        source="software",
        why=found.evidence.because,
        evidence=found.evidence.state,
        because=found.evidence.because,
        software=found.evidence.software,
    )


def own(row: LocalRow) -> Explanation:
    """The site's own explanation; its reason is what to check."""
    by = f"own explanation of {row.owner}" if row.owner else "own explanation"
    return Explanation(
        row.statement,
        "local",
        by,
        check=row.reason,
        kind="benign",
        score="100",
        source="local",
        why="own explanation",
        evidence="resembles",
    )


def deployed(rule: DeployedRule) -> Explanation:
    """What a rule says of itself in the version that runs at the site."""
    return Explanation(
        rule.statement,
        "rule",
        citation(rule.title, rule.source, rule.author),
        score="100",
        source=rule.source,
        url=rule.url,
        why="stated by this rule as it runs here",
    )


def by_rule(entry: EntryRow, rule: RuleRow, came_in: Mapping[str, str]) -> Explanation:
    """What the firing rule states, cited by that rule."""
    technique = rank.meeting(entry.techniques, tuple(came_in))
    return Explanation(
        entry.statement,
        "rule",
        citation(rule.rule_title, rule.source, rule.author) + _how(entry),
        entry.entry_id,
        entry.check,
        entry.kind,
        "100",
        technique.stated,
        came_in.get(technique.of_alert, ""),
        rule.source,
        rule.url,
        "stated by this rule",
        against=entry.against,
    )


_WHY = {
    "technique": "same technique",
    "parent": "parent technique",
    "child": "sub-technique of this technique",
    "words": "no technique in the alert",
}


def by_technique(ranked: rank.Ranked, came_in: Mapping[str, str]) -> Explanation:
    """What is stated under the alert's techniques, with the score and the words that gave it."""
    entry = ranked.entry
    technique = rank.meeting(entry.techniques, tuple(came_in))
    source = entry.sources[0] if entry.sources else ""
    shares = f", shares: {', '.join(ranked.shared[:3])}" if ranked.shared else ""
    return Explanation(
        entry.statement,
        ranked.match,
        citation(entry.rule_title, source, entry.author) + _how(entry),
        entry.entry_id,
        entry.check,
        entry.kind,
        str(round(ranked.score)),
        technique.stated,
        came_in.get(technique.of_alert, ""),
        source,
        entry.url,
        _WHY[ranked.match] + shares,
        against=entry.against,
    )


def _how(entry: EntryRow) -> str:
    """Elastic's guides say where generative AI had a part in them, and so do we."""
    return " [written with generative AI]" if entry.generated == "true" else ""


def citation(title: str, source: str, author: str) -> str:
    """`<rule title> (<source>, <author>)`: whose words a statement is."""
    return f"{title} ({', '.join(part for part in (source, author) if part)})"
