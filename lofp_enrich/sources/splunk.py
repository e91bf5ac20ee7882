"""Splunk's security_content, in the four layouts its detections have had since 2019.

1. to 2020: `mappings.mitre_technique_id`, the search under `detect`, `original_authors`
2. to 2024: `tags.mitre_attack_id`
3. to spring 2026: the same beside `rba`; retired rules in `removed/`
4. since: `mitre_attack_id` and the other tags at the top, no `tags`

The format: https://github.com/splunk/contentctl
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lofp_enrich.errors import RuleError
from lofp_enrich.model import FalsePositive, LogSource, Rule
from lofp_enrich.sources import fields, yamldoc
from lofp_enrich.sources.fields import RuleNode

_RETIRED = frozenset({"deprecated", "removed"})
# Searches of the same repository that nobody is alerted by; the last two are of layout 1.
_NO_DETECTION_TYPES = frozenset({"baseline", "investigation"})
_NO_DETECTION_KEYS = frozenset({"baseline", "investigate"})
_DETECTION_KEYS = frozenset({"search", "detect", "known_false_positives"})

# Where a search stops to select and begins to format.
_FORMAT = re.compile(
    r"\|\s*(?:bin|bucket|eval|eventstats|fillnull|join|lookup|rename|rex|stats|streamstats|table)\b"
)
_MACRO = re.compile(r"`([^`\"]*)`")
_PLUMBING = re.compile(r"security_content_|drop_dm_object_name|.*_filter\s*$|.*\(")
# Takes an open quote to the end as well: a search that fails would begin again at each quote.
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"?", re.DOTALL)
_ASSIGNED = re.compile(r"(?<![\w.])([\w.]+)\s*=\s*([^\s\"()|,]+)")
_NO_VALUES = frozenset(
    {"allow_old_summaries", "datamodel", "index", "maxspan", "span", "summariesonly"}
)


def parse(text: str, path: str) -> Iterator[Rule | RuleError]:
    """The detections of a file; none where it holds a story, a macro, a baseline."""
    return fields.each(_rule, yamldoc.documents(text, path))


def _rule(document: object) -> Rule | None:
    if not isinstance(document, RuleNode) or not _is_detection(document):
        return None
    tags = fields.mapping(document, "tags")
    status = fields.loose(document, "status").lower()
    folders = PurePosixPath(document.path).parts[:-1]
    return Rule(
        source="splunk",
        id=fields.text(document, "id") or document.path,
        title=fields.text(document, "name", required=True),
        location=document.at(),
        techniques=_techniques(document, tags),
        # One text, even where it names several causes: nothing marks where one ends.
        falsepositives=tuple(map(FalsePositive, fields.texts(document, "known_false_positives"))),
        logsource=LogSource(
            category=_either(document, tags, "security_domain"),
            product=_either(document, tags, "asset_type"),
            service="|".join(
                fields.texts(document, "data_source") or fields.texts(document, "data_sources")
            ),
        ),
        status=status,
        deprecated=not _RETIRED.isdisjoint(status.split("|")) or not _RETIRED.isdisjoint(folders),
        description=fields.description(document),
        author=_author(document),
        terms=fields.terms(search_values(_search(document))),
    )


def _is_detection(document: RuleNode) -> bool:
    return (
        not _DETECTION_KEYS.isdisjoint(document)
        and _NO_DETECTION_KEYS.isdisjoint(document)
        and str(document.get("type")).lower() not in _NO_DETECTION_TYPES
    )


def _either(document: RuleNode, tags: RuleNode, key: str) -> str:
    return "|".join(fields.texts(document, key) or fields.texts(tags, key))


def _techniques(document: RuleNode, tags: RuleNode) -> tuple[str, ...]:
    """The IDs of whichever layout it is; one item may hold several: "T1569.001, T1569.002"."""
    mappings = fields.mapping(document, "mappings")
    return fields.technique_ids(
        [
            *fields.texts(document, "mitre_attack_id"),
            *fields.texts(tags, "mitre_attack_id"),
            *fields.texts(tags, "mitre_technique_id"),
            *fields.texts(mappings, "mitre_technique_id"),
            *fields.texts(mappings, "mitre_attack"),
        ]
    )


def _author(document: RuleNode) -> str:
    original = (
        fields.text(author, "name") for author in fields.mappings(document, "original_authors")
    )
    return ", ".join(filter(None, [*fields.texts(document, "author"), *original]))


def _search(document: RuleNode) -> str:
    if "search" in document:
        return fields.text(document, "search")
    detect = fields.mapping(fields.mapping(document, "detect"), "splunk")
    return fields.text(fields.mapping(detect, "correlation_rule"), "search")


def search_values(search: str) -> Iterator[str]:
    """What a search selects by: quoted strings, bare values and the names of its macros."""
    search = _FORMAT.split(search, maxsplit=1)[0]
    for macro in _MACRO.findall(search):
        if not _PLUMBING.match(macro):
            yield macro.replace("_", " ")
    search = _MACRO.sub(" ", search)
    for value in _QUOTED.findall(search):
        yield value.replace("\\\\", "\\")
    for field, value in _ASSIGNED.findall(_QUOTED.sub('"', search)):
        known = field not in _NO_VALUES and "(" not in value
        if known and (field.startswith("Event") or any(map(str.isalpha, value))):
            yield value
