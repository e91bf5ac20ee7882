"""Columns of the lookup files: what the converter writes and the command reads."""

from __future__ import annotations

from lofp_enrich.search import attack

ENTRIES = (
    "entry_id",
    "statement",
    "kind",
    "generated",
    "check",
    "against",
    "techniques",
    "products",
    "software",
    "sources",
    "rule_count",
    "rule_title",
    "author",
    "license",
    "url",
    "terms",
)
RULES = (
    "rule_key",
    "source",
    "rule_id",
    "rule_title",
    "level",
    "status",
    "techniques",
    "products",
    "description",
    "author",
    "license",
    "url",
    "entry_ids",
)
RANKING = ("technique", "part", "entries", "words")
DEPLOYED = (*RULES, "statement")
TECHNIQUES = (
    "technique",
    "technique_name",
    "entry_id",
    "statement",
    "kind",
    "source",
    "rule_title",
    "author",
    "rule_count",
    "url",
)
ATTACK = attack.COLUMNS
EVIDENCE = (
    *("entry_id", "software", "role", "fits", "contradicts"),
    *("at_most", "excluded_by"),
)
SOFTWARE = (
    # What products are found by stands first: a search reads no more of most of them.
    *("software", "processes", "folders", "files"),
    *("invoked_by", "app_ids", "users", "user_agents"),
    *("name", "vendor", "category", "aliases", "signers", "services", "hosts"),
    *("does", "seen", "checked"),
)
META = ("source", "commit", "date", "license", "rules", "entries")
LOCAL = (
    "statement",
    "technique",
    "rule",
    "field",
    "value",
    "reason",
    "owner",
    "expires",
    "enabled",
)

ADDED = frozenset(("against", "software", "at_most", "excluded_by"))
"""Columns that older sets of lookups lack: they are read as empty there."""

CATALOGUE = {
    "lofp_attack.csv": ATTACK,
    "lofp_entries.csv": ENTRIES,
    "lofp_evidence.csv": EVIDENCE,
    "lofp_meta.csv": META,
    "lofp_ranking.csv": RANKING,
    "lofp_rules.csv": RULES,
    "lofp_software.csv": SOFTWARE,
    "lofp_techniques.csv": TECHNIQUES,
}
"""The lookup files that are generated, and their columns."""
SITE = {"lofp_deployed.csv": DEPLOYED, "lofp_local.csv": LOCAL}
"""The site's own files."""

OUTPUT_BRIEF = ("status", "count", "statement", "evidence", "match", "rule", "entry_id")
"""Output fields of `output=brief`, without the prefix; the first two are single values."""
OUTPUT_FULL = (
    *OUTPUT_BRIEF,
    "because",
    "software",
    "check",
    "against",
    "kind",
    "score",
    "technique",
    "technique_in",
    "techniques",
    "source",
    "url",
    "why",
    "read",
)

OUTPUT_OF_ALERT = ("techniques", "read")
"""Lists of their own: what was understood of the alert. All others are parallel."""

_UNSAFE = ("=", "+", "-", "@", "\t", "\r")


def to_cell(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula: with a quote mark where needed.

    A text that already begins with quote marks before such a sign gets one more, so that
    `from_cell` always gives back what was put in.
    """
    return "'" + text if text.lstrip("'").startswith(_UNSAFE) else text


def from_cell(cell: str) -> str:
    """What `to_cell` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_UNSAFE) else cell


def split_list(cell: str) -> list[str]:
    """The parts of a list cell, which are joined with `|`; none for an empty cell."""
    return [part for part in cell.split("|") if part]
