"""The ATT&CK table: every ID that ever was, followed to the current one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.attack import Attack, parent
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import ATTACK

HEADER = ",".join(ATTACK) + "\n"


def row(technique: str, name: str = "", replaced_by: str = "") -> dict[str, str]:
    values = {"technique": technique, "name": name or technique, "replaced_by": replaced_by}
    return {column: values.get(column, "") for column in ATTACK}


@pytest.mark.parametrize(
    ("technique", "current"),
    [
        ("T1089", "T1685"),
        ("T1562.001", "T1685"),
        ("T1685", "T1685"),
        ("T1086", "T1059.001"),
        ("T1064", "T1064"),
        ("T9999", "T9999"),
        ("AML.T0051", "AML.T0051"),
        ("", ""),
    ],
)
def test_current(attack: Attack, technique: str, current: str) -> None:
    assert attack.current(technique) == current


def test_nothing_current_is_replaced_and_all_that_replaces_is_known(attack: Attack) -> None:
    for technique, values in attack.rows.items():
        current = attack.current(technique)
        assert attack.current(current) == current
        assert current in attack.rows
        assert (values["replaced_by"] != "") <= (values["status"] != "active")
        if values["status"] == "active":
            assert current == technique
            assert attack.tactics(technique)
        assert attack.name(technique)
        assert values["parent"] == ("" if parent(technique) == technique else parent(technique))


def test_a_loop_ends() -> None:
    looped = Attack([row("T1", replaced_by="T2"), row("T2", replaced_by="T1")])
    assert looped.current("T1") in {"T1", "T2"}
    itself = Attack([row("T1", replaced_by="T1")])
    assert itself.current("T1") == "T1"


@given(st.lists(st.tuples(*[st.sampled_from(["T1", "T2", "T3", ""])] * 2)))
def test_whatever_the_table_every_id_has_a_current_one(pairs: list[tuple[str, str]]) -> None:
    table = Attack([row(technique, replaced_by=by) for technique, by in pairs if technique])
    for technique, _ in pairs:
        assert isinstance(table.current(technique), str)


@pytest.mark.parametrize(
    ("technique", "expected"),
    [
        ("T1059", "T1059"),
        ("T1059.001", "T1059"),
        ("AML.T0043", "AML.T0043"),
        ("AML.T0043.000", "AML.T0043"),
        ("", ""),
    ],
)
def test_parent(technique: str, expected: str) -> None:
    assert parent(technique) == expected


def test_names_in_any_case(attack: Attack) -> None:
    assert attack.by_name(" POWERshell ") == ("T1059.001",)
    assert attack.by_name("Disabling Security Tools") == ("T1685",)
    assert attack.by_name("no such name") == attack.by_name("") == ()
    assert attack.name("T9999") == ""
    assert attack.tactics("T9999") == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "lofp_attack.csv cannot be read (No such file or directory); install the app again"),
        (b"", "lofp_attack.csv has no column technique;"),
        (b"technique,name\n", "lofp_attack.csv has no column tactics;"),
        (b"\x00\xff" * 500, "lofp_attack.csv"),
    ],
)
def test_a_file_that_is_no_such_table(tmp_path: Path, data: bytes | None, message: str) -> None:
    path = tmp_path / "lofp_attack.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SearchError) as error:
        Attack.load(path)
    assert str(error.value).startswith(message)
    assert str(error.value).endswith("run lofp-enrich build.")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="cannot be read"):
        Attack.load(tmp_path)


def test_a_truncated_table_gives_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "lofp_attack.csv"
    path.write_text(f"{HEADER}T1089,Old,x,,revoked,T1685\nT1685", encoding="utf-8")
    table = Attack.load(path)
    assert table.current("T1089") == "T1685"
    # The name that was cut off is no name, not the name of everything without one.
    assert table.by_name("") == ()


def test_a_table_saved_by_a_spreadsheet_is_the_same(tmp_path: Path, attack: Attack) -> None:
    path = tmp_path / "lofp_attack.csv"
    lines = [",".join(ATTACK), *(f'"{t}","{attack.name(t)}",,,,' for t in list(attack.rows)[:50])]
    path.write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    assert [Attack.load(path).name(t) for t in list(attack.rows)[:50]] == [
        attack.name(t) for t in list(attack.rows)[:50]
    ]
