"""A STIX bundle to the ATT&CK table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.catalogue import stix
from lofp_enrich.errors import LofpError
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.columns import ATTACK

PACKAGED = Path(stix.__file__).parents[1] / "data" / "attack.csv"


def pattern(technique: str, name: str = "Name", **more: Any) -> dict[str, Any]:
    return {
        "type": "attack-pattern",
        "id": f"attack-pattern--{technique}-{name}",
        "name": name,
        "external_references": [
            {"source_name": "capec", "external_id": "CAPEC-1"},
            {"source_name": "mitre-attack", "external_id": technique},
        ],
        "kill_chain_phases": [
            {"kill_chain_name": "mitre-attack", "phase_name": "persistence"},
            {"kill_chain_name": "other", "phase_name": "nothing"},
            {"kill_chain_name": "mitre-attack", "phase_name": "execution"},
            {"kill_chain_name": "mitre-attack", "phase_name": "execution"},
        ],
        "x_mitre_is_subtechnique": "." in technique,
        **more,
    }


def revoked_by(old: str, new: str, kind: str = "revoked-by") -> dict[str, Any]:
    return {
        "type": "relationship",
        "relationship_type": kind,
        "source_ref": f"attack-pattern--{old}-Name",
        "target_ref": f"attack-pattern--{new}-Name",
    }


def row(technique: str, status: str = "active", replaced_by: str = "", **more: str) -> stix.Row:
    values = {
        "technique": technique,
        "name": "Name",
        "tactics": "persistence|execution",
        "parent": technique.partition(".")[0] if "." in technique else "",
        "status": status,
        "replaced_by": replaced_by,
    }
    return {**values, **more}


@pytest.fixture
def bundle(tmp_path: Path) -> Any:
    """Writes a bundle of these objects."""

    def write(*objects: Any) -> Path:
        path = tmp_path / "enterprise-attack.json"
        path.write_text(json.dumps({"type": "bundle", "objects": objects}), "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([pattern("T1059")], [row("T1059")]),
        ([pattern("T1059.001")], [row("T1059.001")]),
        ([pattern("T1059", x_mitre_deprecated=True)], [row("T1059", "deprecated")]),
        ([pattern("T1059", x_mitre_deprecated=False, revoked=False)], [row("T1059")]),
        # A sub-technique is what says so, not what has a dot.
        (
            [pattern("T1059.001", x_mitre_is_subtechnique=False)],
            [row("T1059.001", parent="")],
        ),
        (
            [
                pattern("T1086", revoked=True),
                pattern("T1059.001"),
                revoked_by("T1086", "T1059.001"),
                revoked_by("T1059.001", "T1086", "subtechnique-of"),
            ],
            [row("T1059.001"), row("T1086", "revoked", "T1059.001")],
        ),
        # Revoked and never said by what; by something that is not there; by itself.
        ([pattern("T1086", revoked=True)], [row("T1086", "revoked")]),
        (
            [pattern("T1086", revoked=True), revoked_by("T1086", "T1059")],
            [row("T1086", "revoked")],
        ),
        (
            [pattern("T1086", revoked=True), revoked_by("T1086", "T1086")],
            [row("T1086", "revoked")],
        ),
        # A technique in use is not replaced, whatever a relationship says.
        (
            [pattern("T1059"), pattern("T1086"), revoked_by("T1086", "T1059")],
            [row("T1059"), row("T1086")],
        ),
        # One ID, given twice: the one in use has it, in whatever order they come.
        (
            [pattern("T1059"), pattern("T1059", "Old", revoked=True)],
            [row("T1059")],
        ),
        (
            [pattern("T1059", "Old", x_mitre_deprecated=True), pattern("T1059")],
            [row("T1059")],
        ),
        ([pattern("T1059", name="  Odd\n  name ")], [row("T1059", name="Odd name")]),
        ([pattern("T1059", kill_chain_phases=None)], [row("T1059", tactics="")]),
        # What is no technique of the enterprise matrix.
        (
            [
                pattern("T1059"),
                pattern("CAPEC-5"),
                pattern("T105"),
                {"type": "attack-pattern"},
                {"type": "malware", "external_references": [{"source_name": "mitre-attack"}]},
                "text",
                None,
            ],
            [row("T1059")],
        ),
    ],
)
def test_rows(bundle: Any, objects: list[Any], expected: list[stix.Row]) -> None:
    assert stix.rows(bundle(*objects), ()) == expected


def test_columns(bundle: Any) -> None:
    (only,) = stix.rows(bundle(pattern("T1059")), ())
    assert tuple(only) == ATTACK


def test_old_ids_are_kept(bundle: Any) -> None:
    """What old rules and alerts say still leads to the current technique."""
    path = bundle(
        pattern("T1685"),
        pattern("T1562.001", revoked=True),
        revoked_by("T1562.001", "T1685"),
        pattern("T1043", x_mitre_deprecated=True),
        pattern("T1500", revoked=True),
    )
    packaged = [
        row("T1089", "revoked", "T1562.001", name="Gone"),
        row("T1562.001", "active"),
        row("T1500", "revoked", "T1685", extra="column"),
        row("T1685", "revoked", "T1500"),
        row("T1777", "active", name="Gone, and nobody knows why"),
    ]
    attack = Attack(stix.rows(path, packaged))
    assert {technique: attack.current(technique) for technique in attack.rows} == {
        "T1043": "T1043",
        "T1089": "T1685",
        "T1500": "T1685",
        "T1562.001": "T1685",
        "T1685": "T1685",
        "T1777": "T1777",
    }
    assert attack.rows["T1562.001"]["status"] == "revoked"
    assert attack.rows["T1089"]["name"] == "Gone"
    assert tuple(attack.rows["T1500"]) == ATTACK


def test_no_loop_is_made(bundle: Any) -> None:
    """A later version may turn a replacement round; then the packaged table is the old one."""
    path = bundle(
        pattern("T1001", revoked=True),
        pattern("T1002", revoked=True),
        revoked_by("T1001", "T1002"),
    )
    attack = Attack(stix.rows(path, [row("T1002", "revoked", "T1001")]))
    assert (attack.current("T1001"), attack.current("T1002")) == ("T1002", "T1002")


def test_packaged_table_comes_through(bundle: Any) -> None:
    """A bundle made of the packaged table gives it back."""
    packaged = Attack.load(PACKAGED).rows
    objects = []
    for each in packaged.values():
        objects.append(
            pattern(
                each["technique"],
                each["name"],
                id=f"attack-pattern--{each['technique']}-Name",
                revoked=each["status"] == "revoked",
                x_mitre_deprecated=each["status"] == "deprecated",
                x_mitre_is_subtechnique=bool(each["parent"]),
                kill_chain_phases=[
                    {"kill_chain_name": "mitre-attack", "phase_name": tactic}
                    for tactic in each["tactics"].split("|")
                    if tactic
                ],
            )
        )
        if each["replaced_by"]:
            objects.append(revoked_by(each["technique"], each["replaced_by"]))
    assert stix.rows(bundle(*objects), ()) == [packaged[key] for key in sorted(packaged)]
    assert stix.rows(bundle(objects[0]), packaged.values()) == [
        packaged[key] for key in sorted(packaged)
    ]


def test_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(LofpError, match=r"none\.json: cannot be read \(No such file"):
        stix.rows(path, ())
    path.write_text("{}")
    with pytest.raises(LofpError, match=r"none\.json: holds no ATT&CK technique; fetch"):
        stix.rows(path, ())
