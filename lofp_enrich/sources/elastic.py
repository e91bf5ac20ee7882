"""Elastic's detection rules: TOML, with an investigation guide in Markdown.

The format: https://github.com/elastic/detection-rules/blob/main/CONTRIBUTING.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lofp_enrich.errors import RuleError
from lofp_enrich.model import FalsePositive, LogSource, Rule
from lofp_enrich.sources import fields, markdown, tomldoc
from lofp_enrich.sources.fields import RuleNode

_GUIDE_HEADING = re.compile(r"\bfalse positives?( analysis| considerations)?:?$", re.IGNORECASE)
_GENERATED = re.compile(r"\b(?:using|assistance of)[\s>]+generative[\s>]+AI\b")
# Integrations that say how events arrive, not what they are about.
_CARRIERS = frozenset(
    {"auditd_manager", "crowdstrike", "ded", "dga", "endpoint", "lmd", "m365_defender", "pad"}
    | {"problemchild", "sentinel_one_cloud_funnel", "system"}
)
_DATASET_VALUE = re.compile(r"\b(?:event|data_stream)\.dataset\s*(?::|==)\s*\(?\s*\"?([a-z][\w.]*)")
_DATASET_INDEX = re.compile(r"\blogs-([a-z]\w*\.\w+(?:\.\w+)*)")
# Clauses that are true of every event of a kind; their values tell nothing apart.
_COMMON = re.compile(
    r"\b(?:host\.os\.\w+|event\.(?:category|dataset|kind|module|outcome|type)|data_stream\.\w+)"
    r"\s*(?:==|:|in~?)\s*(?:\([^()]*\)|\"[^\"]*\"|[\w.*-]+)"
)
# Takes an open quote to the end of the line: else the search would begin again at each quote.
_QUOTED = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"?")
_BARE = re.compile(r":\s*(?:\(([^()\"]*)\)|([^\s()\"]+))")


def parse(text: str, path: str) -> Iterator[Rule | RuleError]:
    """The rule of a file; none where the file has no table `rule`."""
    return fields.each(_rule, _documents(text, path))


def _documents(text: str, path: str) -> Iterator[RuleNode]:
    yield tomldoc.document(text, path)


def _rule(document: RuleNode) -> Rule | None:
    if "rule" not in document:
        return None
    rule = fields.mapping(document, "rule")
    metadata = fields.mapping(document, "metadata")
    status = fields.text(metadata, "maturity").lower()
    folders = PurePosixPath(document.path).parts[:-1]
    tags = fields.texts(rule, "tags")
    query = fields.raw(rule, "query")
    return Rule(
        source="elastic",
        id=fields.text(rule, "rule_id", required=True),
        title=fields.text(rule, "name", required=True),
        location=rule.at(),
        techniques=_techniques(rule, tags),
        falsepositives=tuple(_statements(rule)),
        logsource=LogSource(
            category="|".join(_tagged(tags, "Domain: ")),
            product="|".join(
                _tagged(tags, "OS: ")
                or [name for name in fields.texts(metadata, "integration") if name not in _CARRIERS]
            ),
            service=_dataset(fields.texts(rule, "index"), query),
        ),
        level=fields.loose(rule, "severity"),
        status=status,
        deprecated=status == "deprecated" or "_deprecated" in folders,
        description=fields.description(rule),
        author=", ".join(fields.texts(rule, "author")),
        terms=fields.terms(_values(query)),
    )


def _statements(rule: RuleNode) -> Iterator[FalsePositive]:
    """The rule's own statements, then those of its investigation guide."""
    yield from map(FalsePositive, fields.texts(rule, "false_positives"))
    note = fields.raw(rule, "note")
    generated = "generative" in note and bool(_GENERATED.search(note))
    for item in markdown.items(note, _GUIDE_HEADING):
        if statement := markdown.plain(item):
            yield FalsePositive(statement, note=True, generated=generated)


def _techniques(rule: RuleNode, tags: tuple[str, ...]) -> tuple[str, ...]:
    """Techniques and sub-techniques over all tactics; ATLAS IDs, which only tags give."""
    ids = []
    for threat in fields.mappings(rule, "threat"):
        for technique in fields.mappings(threat, "technique"):
            ids.append(fields.text(technique, "id"))
            # The key is singular: `subtechniques` is in no rule, and reading it finds nothing.
            ids += [fields.text(sub, "id") for sub in fields.mappings(technique, "subtechnique")]
    atlas = [f"aml.{tag}" for tag in _tagged(tags, "Mitre Atlas: ")]
    return fields.technique_ids(ids + atlas)


def _tagged(tags: tuple[str, ...], prefix: str) -> list[str]:
    return [tag[len(prefix) :].lower() for tag in tags if tag.startswith(prefix)]


def _dataset(index: tuple[str, ...], query: str) -> str:
    """The data set that the query names, else the first of its indices, Elastic's own first."""
    named = _DATASET_VALUE.search(query)
    if named:
        return named[1]
    found: list[str] = _DATASET_INDEX.findall(" ".join([*index, query]))
    return next((name for name in found if name.startswith("endpoint.")), (found or [""])[0])


def _values(query: str) -> Iterator[str]:
    """Quoted strings, and what KQL lets stand bare: `event.action:(Delete or Put*)`."""
    query = _COMMON.sub(" ", query)
    for value in _QUOTED.findall(query):
        yield value.replace("\\\\", "\\")
    for several, one in _BARE.findall(_QUOTED.sub('"', query)):
        yield from re.split(r"\s+or\s+|\s+and\s+|\s*,\s*", several) if several else [one]
