"""Which techniques an alert names, in whatever field and form it names them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lofp_enrich.search.attack import Attack

TECHNIQUE_FIELDS = (
    # Enterprise Security: findings, risk events, rule annotations
    "annotations.mitre_attack.mitre_technique_id",
    "annotations.mitre_attack",
    "All_Risk.annotations.mitre_attack.mitre_technique_id",
    "All_Risk.annotations.mitre_attack",
    "action.correlationsearch.annotations",
    "annotations",
    "annotations.mitre_atlas.mitre_technique_id",
    # CIM-like add-ons
    "mitre_technique_id",
    "mitre_attack_id",
    "mitre_technique",
    "mitre_techniques",
    "mitre_id",
    "technique_id",
    "technique",
    # products
    "RuleName",
    "rule.mitre.id{}",
    "rule.mitre.id",
    "event.Technique",
    "event.Techniques",
    "mitre_attack{}.technique_id",
    "behaviors{}.technique_id",
    "mitreTechniques{}",
    "AttackTechniques",
    "properties.AdditionalFields.AttackTechniques",
    "Techniques",
    "kibana.alert.rule.threat.technique.id",
    "kibana.alert.rule.threat.technique.subtechnique.id",
    "signal.rule.threat.technique.id",
    "threat.technique.id",
    "threat.technique.subtechnique.id",
    "alert.metadata.mitre_technique_id{}",
    "mitre_technique_id_and_name{}",
    "finding_info.attacks{}.technique.uid",
    "finding_info.attacks{}.sub_technique.uid",
    "attacks{}.technique.uid",
    "tags",
    "rule.tags",
)
"""Where findings, risk events and the alerts of common products keep their techniques."""

MAX_TECHNIQUES = 50
"""An alert with more techniques than this says nothing by them; the first ones are used."""

_MAX_TEXT = 65_536
"""Characters of one value that are searched for IDs: a value is a list of IDs, not a log."""

_FLAGS = re.IGNORECASE | re.ASCII
_ID = re.compile(r"(?<![a-z0-9])(?:(aml)[._])?t([0-9]{4})(?:[._/]([0-9]{3}))?(?![a-z0-9])", _FLAGS)
_SEPARATOR = re.compile(r"[,;|\n]+")


def ids_in(text: str) -> list[str]:
    """ATT&CK and ATLAS IDs in any text, JSON or tag form, upper case, in order, each once.

    `TA0002` (a tactic) and `CST0002` (CrowdStrike's own) are no technique.
    """
    found: dict[str, None] = {}
    for atlas, base, sub in _ID.findall(text[:_MAX_TEXT]):
        found[f"{'AML.' if atlas else ''}T{base}{'.' + sub if sub else ''}"] = None
    return list(found)


def technique_ids(values: Iterable[str], attack: Attack) -> list[tuple[str, str]]:
    """(current ID, ID that came in) for every technique that `values` name, at most 50.

    A value without an ID is taken for technique names, alone or in a list.
    """
    found: dict[str, str] = {}
    for value in values:
        ids = ids_in(value)
        if ids:
            pairs = [(attack.current(technique), technique) for technique in ids]
        else:
            names = _SEPARATOR.split(value[:_MAX_TEXT])
            pairs = [
                (technique, name.strip()) for name in names for technique in attack.by_name(name)
            ]
        for current, came_in in pairs:
            found.setdefault(current, came_in)
            if len(found) >= MAX_TECHNIQUES:
                return list(found.items())
    return list(found.items())
