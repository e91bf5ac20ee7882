"""ATT&CK's STIX bundle to rows of the ATT&CK table.

The form: https://github.com/mitre-attack/attack-stix-data/blob/master/USAGE.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lofp_enrich.errors import LofpError
from lofp_enrich.search.knowledge.columns import ATTACK

_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_STATUS = ("active", "deprecated", "revoked")
"""Best first: an ID that was given twice belongs to the technique that is still in use."""

Row = dict[str, str]


def rows(bundle: Path, packaged: Iterable[Mapping[str, str]]) -> list[Row]:
    """The ATT&CK table (columns `ATTACK`) of a bundle, sorted by ID.

    Old rules and alerts name IDs that a bundle may no longer have: those keep their row of the
    `packaged` table. Raises LofpError where the file is no STIX bundle with techniques.
    """
    table = techniques(bundle)
    kept = {row["technique"]: row for row in packaged}
    for technique, old in kept.items():
        row = table.setdefault(technique, {column: old[column] for column in ATTACK})
        if row["status"] != "active" and not row["replaced_by"]:
            row["replaced_by"] = old["replaced_by"]
            if _is_loop(technique, table):
                row["replaced_by"] = ""
    return [table[technique] for technique in sorted(table)]


def techniques(bundle: Path) -> dict[str, Row]:
    """ID -> row of all techniques in a bundle; raises LofpError where the file is none."""
    objects = list(_objects(bundle))
    patterns = {_text(each, "id"): each for each in objects if each.get("type") == "attack-pattern"}
    ids = {stix_id: _technique(pattern) for stix_id, pattern in patterns.items()}
    replaced = {
        _text(each, "source_ref"): ids.get(_text(each, "target_ref"), "")
        for each in objects
        if each.get("type") == "relationship" and each.get("relationship_type") == "revoked-by"
    }
    found: dict[str, Row] = {}
    for stix_id, pattern in patterns.items():
        row = _row(ids[stix_id], pattern, replaced.get(stix_id, ""))
        known = found.get(row["technique"], row)
        if row["technique"] and _STATUS.index(row["status"]) <= _STATUS.index(known["status"]):
            found[row["technique"]] = row
    if not found:
        raise LofpError(f"{bundle}: holds no ATT&CK technique; fetch enterprise-attack.json again.")
    return found


def _objects(bundle: Path) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(bundle.read_text("utf-8-sig"))
    except OSError as error:
        raise LofpError(f"{bundle}: cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, RecursionError) as error:
        raise LofpError(f"{bundle}: is no JSON; fetch or copy it again.") from error
    return (each for each in _list(document, "objects") if isinstance(each, dict))


def _row(technique: str, pattern: Mapping[str, Any], replaced_by: str) -> Row:
    status = "deprecated" if pattern.get("x_mitre_deprecated") is True else "active"
    if pattern.get("revoked") is True:
        status = "revoked"
    is_sub = pattern.get("x_mitre_is_subtechnique") is True and "." in technique
    tactics = [
        _text(phase, "phase_name")
        for phase in _list(pattern, "kill_chain_phases")
        if isinstance(phase, dict) and phase.get("kill_chain_name") == "mitre-attack"
    ]
    return {
        "technique": technique,
        "name": " ".join(_text(pattern, "name").split()),
        "tactics": "|".join(dict.fromkeys(tactics)),
        "parent": technique.partition(".")[0] if is_sub else "",
        "status": status,
        "replaced_by": replaced_by if status == "revoked" and replaced_by != technique else "",
    }


def _technique(pattern: Mapping[str, Any]) -> str:
    """The ATT&CK ID of a pattern; empty where it has none of the enterprise matrix."""
    for reference in _list(pattern, "external_references"):
        if isinstance(reference, dict) and reference.get("source_name") == "mitre-attack":
            technique = _text(reference, "external_id")
            return technique if _TECHNIQUE.fullmatch(technique) else ""
    return ""


def _is_loop(start: str, table: Mapping[str, Row]) -> bool:
    seen: set[str] = set()
    technique = start
    while technique in table and technique not in seen:
        seen.add(technique)
        technique = table[technique]["replaced_by"]
    return technique in seen


def _list(holder: Any, key: str) -> list[Any]:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""
