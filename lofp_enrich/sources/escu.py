"""Enterprise Security Content Update, or any app made with contentctl: its savedsearches.conf.

These are the statements of the version that the customer runs, under the exact names of searches.
The settings: https://github.com/splunk/contentctl, contentctl/output/templates
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lofp_enrich.errors import RuleError
from lofp_enrich.model import FalsePositive, LogSource, Rule
from lofp_enrich.sources import conf, fields, splunk
from lofp_enrich.sources.fields import RuleNode

_STATEMENT = "action.escu.known_false_positives"
_ANNOTATIONS = "action.correlationsearch.annotations"
_METADATA = "action.correlationsearch.metadata"
_MAPPINGS = "action.escu.mappings"
_TECHNOLOGIES = "action.escu.providing_technologies"
_SEARCH_TYPE = "action.escu.search_type"
_NAME = re.compile(r"(?:(?P<app>.+?) - )?(?P<title>.+) - Rule")
_RETIRED = re.compile(r"WARNING\W+this \w+ (?:has been|is) marked \W*deprecated", re.IGNORECASE)


def parse(text: str, path: str) -> Iterator[Rule | RuleError]:
    """The detections of a savedsearches.conf; no baselines, investigations or other searches."""
    return fields.each(_rule, conf.stanzas(text, path))


def _rule(named: tuple[str, RuleNode]) -> Rule | None:
    name, stanza = named
    if not _is_detection(stanza):
        return None
    annotations = _json(stanza, _ANNOTATIONS)
    metadata = _json(stanza, _METADATA)
    parts = _NAME.fullmatch(name)
    return Rule(
        source="escu",
        id=fields.text(metadata, "detection_id") or name,
        title=fields.fold(parts["title"] if parts else name),
        location=stanza.at(),
        techniques=fields.technique_ids(
            [
                *fields.texts(annotations, "mitre_attack"),
                *fields.texts(_json(stanza, _MAPPINGS), "mitre_attack"),
            ]
        ),
        falsepositives=tuple(map(FalsePositive, fields.texts(stanza, _STATEMENT))),
        logsource=LogSource(
            category=fields.text(stanza, "action.notable.param.security_domain"),
            service="|".join(
                fields.texts(annotations, "data_source")
                or fields.texts(_json(stanza, _TECHNOLOGIES), "items")
            ),
        ),
        deprecated=_is_retired(stanza, metadata),
        description=fields.description(stanza),
        license="Apache-2.0" if parts and parts["app"] == "ESCU" else "",
        terms=fields.terms(splunk.search_values(fields.text(stanza, "search"))),
    )


def _is_detection(stanza: RuleNode) -> bool:
    kind = stanza.get(_SEARCH_TYPE)
    return kind == "detection" or (
        kind is None and (_STATEMENT in stanza or _ANNOTATIONS in stanza)
    )


def _is_retired(stanza: RuleNode, metadata: RuleNode) -> bool:
    """Older versions only say so in the description, newer ones in the metadata as well."""
    flag = fields.text(metadata, "deprecated").lower()
    return flag in ("1", "true") or bool(_RETIRED.search(fields.text(stanza, "description")))


def _json(stanza: RuleNode, key: str) -> RuleNode:
    """The JSON object of a setting as a table; a JSON list under the key `items`."""
    table = RuleNode(stanza.path, stanza.at(key).line)
    value = fields.raw(stanza, key)
    if not value:
        return table
    try:
        data = json.loads(value)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "unreadable"
        raise RuleError(f"not JSON: {reason}", stanza.at(key), key) from error
    if data is None:
        return table
    if not isinstance(data, (dict, list)):
        raise RuleError("expected a JSON object", stanza.at(key), key)
    table.update(data if isinstance(data, dict) else {"items": data})
    return table
