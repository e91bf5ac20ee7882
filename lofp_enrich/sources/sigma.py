"""Sigma rules: SigmaHQ's repository, or any folder of rules.

The format: https://sigmahq.io/sigma-specification/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath

from lofp_enrich.errors import RuleError
from lofp_enrich.model import Exclusion, FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import fields, yamldoc
from lofp_enrich.sources.fields import RuleNode

_RETIRED = frozenset({"deprecated", "unsupported"})
# The key of the specification, and the ways that rules misspell it.
_FALSEPOSITIVES = ("falsepositives", "false_positives", "falsepositive", "false-positives")
# What a detection holds beside values to look for.
_NO_VALUES = frozenset({"condition", "timeframe"})
# A regular expression or a network is no word that an alert could share.
_NO_WORDS = ("|re", "|cidr")
_OPTIONAL = "filter_optional_"
# Documents of the specification that are no rules: filters and pipelines.
_COMPANIONS = frozenset({"filter", "transformations"})


def parse(text: str, path: str) -> Iterator[Rule | RuleError]:
    """The rules of a file; none where no document has `detection` or `correlation`."""
    return fields.each(_rule, _rule_documents(text, path))


def _rule_documents(text: str, path: str) -> Iterator[RuleNode | RuleError]:
    """The documents that are rules, with the collection actions of old Sigma carried out.

    `action: global` adds to every document after it, `reset` ends that, `repeat` is the document
    before with changes.
    """
    shared = previous = RuleNode(path)
    seen: set[str] = set()
    for number, document in enumerate(yamldoc.documents(text, path), start=1):
        if isinstance(document, RuleError):
            yield document
        if not isinstance(document, RuleNode):
            yield from _listed(document, path)
            continue
        action = document.pop("action", None)
        if action == "global":
            shared = _merged(shared, document)
            continue
        if action == "reset":
            shared = RuleNode(path)
        rule = _merged(previous if action == "repeat" else shared, document)
        if "detection" in rule or "correlation" in rule:
            previous = rule
            _give_own_id(rule, number, seen)
            yield rule
        elif missed := _missed(rule, action):
            yield missed


def _listed(document: object, path: str) -> Iterator[RuleError]:
    """An error for rules in a list, which no tool of Sigma reads."""
    if isinstance(document, list) and any(map(_alike, document)):
        line = getattr(document, "lines", [0])[0]
        message = "rules in a list are not read; give each a document of its own, after ---"
        yield RuleError(message, Location(path, line))


def _missed(document: RuleNode, action: object) -> RuleError | None:
    """An error for a document that is meant as a rule and is none; None for any other file."""
    if action == "correlation":
        message = "not read: correlations have a key `correlation` instead"
        return RuleError(message, document.at("action"), "action")
    inside = document.get("rules")
    if isinstance(inside, list) and any(map(_alike, inside)):
        message = "rules in a list are not read; give each a document of its own, after ---"
        return RuleError(message, document.at("rules"), "rules")
    if _alike(document) and not _COMPANIONS.intersection(document):
        return RuleError("missing; nothing else makes this a rule", document.at(), "detection")
    return None


def _alike(value: object) -> bool:
    """Whether a mapping says of itself what only rules do."""
    return isinstance(value, RuleNode) and bool(
        "detection" in {key.lower() for key in value}
        or ("title" in value and not value.keys().isdisjoint(_FALSEPOSITIVES))
    )


def _merged(base: RuleNode, document: RuleNode) -> RuleNode:
    """A document over its base: its own values win, mappings in both are merged."""
    if not base:
        return document
    merged = RuleNode(document.path, document.line)
    merged.update(base)
    merged.lines.update(base.lines)
    for key, value in document.items():
        below = base.get(key)
        both = isinstance(below, RuleNode) and isinstance(value, RuleNode)
        merged[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
        merged.lines[key] = document.lines[key]
    return merged


def _give_own_id(rule: RuleNode, number: int, seen: set[str]) -> None:
    """Make the id one that no other rule of the file has, the same from build to build.

    Rules may lack one, and those of a global document or of a repeated one share theirs.
    """
    given = rule.get("id")
    if not given:
        rule["id"] = f"{rule.path}#{number}"
    elif str(given) in seen:
        rule["id"] = f"{given}#{number}"
    seen.add(str(rule["id"]))


def _rule(document: RuleNode) -> Rule:
    logsource = fields.mapping(document, "logsource")
    status = fields.loose(document, "status").lower()
    folders = PurePosixPath(document.path).parts[:-1]
    statements = dict.fromkeys(
        statement for key in _FALSEPOSITIVES for statement in fields.texts(document, key)
    )
    return Rule(
        source="sigma",
        id=fields.text(document, "id"),
        title=fields.text(document, "title", required=True),
        location=document.at(),
        techniques=fields.technique_ids(_tags(document)),
        falsepositives=tuple(map(FalsePositive, statements)),
        logsource=LogSource(
            category=fields.loose(logsource, "category"),
            product=fields.loose(logsource, "product"),
            service=fields.loose(logsource, "service"),
        ),
        level=fields.loose(document, "level"),
        status=status,
        deprecated=not _RETIRED.isdisjoint(status.split("|")) or not _RETIRED.isdisjoint(folders),
        description=fields.description(document),
        author=", ".join(fields.texts(document, "author")),
        license=fields.loose(document, "license"),
        terms=fields.terms(_values(fields.mapping(document, "detection"))),
        exclusions=tuple(_exclusions(fields.mapping(document, "detection"))),
    )


def _exclusions(detection: RuleNode) -> Iterator[Exclusion]:
    """What a rule leaves out by name; of several maps each is one.

    By Sigma's conventions `filter_optional_*` names software that some sites have, and
    `filter_main_*` what belongs to the system everywhere, which is no software.
    """
    for name, search in detection.items():
        if name.startswith(_OPTIONAL):
            for items in search if isinstance(search, list) else [search]:
                known = isinstance(items, RuleNode)
                text = json.dumps(items, sort_keys=True, default=str) if known else ""
                yield Exclusion(name[len(_OPTIONAL) :], text)


def _tags(document: RuleNode) -> Iterator[str]:
    """The tags as texts; lists of them have held nulls and mappings (`attack.t1059: null`)."""
    tags = document.get("tags")
    for tag in tags if isinstance(tags, list) else [tags]:
        yield from tag if isinstance(tag, RuleNode) else [tag] if isinstance(tag, str) else []


def _values(detection: RuleNode) -> Iterator[str]:
    """The values of a detection in order: texts with a letter, and the numbers of events."""
    for name, search in detection.items():
        if name not in _NO_VALUES:
            yield from _words(search, number=False)


def _words(value: object, number: bool) -> Iterator[str]:
    if isinstance(value, str):
        if number or any(map(str.isalpha, value)):
            yield value
    elif isinstance(value, RuleNode):
        for key, item in value.items():
            if not any(modifier in key for modifier in _NO_WORDS):
                yield from _words(item, number=key.startswith("Event"))
    elif isinstance(value, list):
        for item in value:
            yield from _words(item, number)
