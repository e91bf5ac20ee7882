"""Rule names, freed of what Splunk's apps put around them."""

from __future__ import annotations

import re

RULE_FIELDS = (
    "search_name",
    "rule_name",
    "rule_title",
    "savedsearch_name",
    "source",
    "alert.signature",
    "rule.name",
    "kibana.alert.rule.name",
    "RuleTitle",
    "DetectName",
    "alert_name",
    "title",
    "signature",
    "rule.description",
)
"""Where findings and the alerts of common products keep the name of the rule that fired."""

_MAX_NAME = 500
_TAG = re.compile(r"^\[[^\]]*\]\s*")
_SUFFIX = re.compile(r"(?:\s+-\s+Combined)?\s+-\s+Rule\s*$", re.IGNORECASE)
_PREFIX = re.compile(r"^.*?\s+-\s+")
_NOT_WORD = re.compile(r"[\W_]+")


def rule_key(title: str) -> str:
    """A rule's title, its case, punctuation and spacing folded: what two spellings share."""
    return _NOT_WORD.sub(" ", title.casefold()).strip()


def rule_keys(name: str) -> list[str]:
    """The keys under which a rule named so in an alert may be known, the fullest name first.

    `ESCU - <title> - Rule`, `<domain> - <title> - Rule`, `[Custom] <title>` and
    `... - Combined - Rule` are the forms of Enterprise Security's content.
    """
    name = name[:_MAX_NAME]
    bare = _SUFFIX.sub("", _TAG.sub("", name.strip()))
    keys = [rule_key(form) for form in (name, bare, _PREFIX.sub("", bare, count=1))]
    return [key for key in dict.fromkeys(keys) if key]
