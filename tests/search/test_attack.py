"""The ATT&CK table: every ID that ever was, followed to the current one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.attack import Attack, parent
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.formernames import FORMER_NAMES
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
    ("name", "expected"),
    [
        ("Cloud Accounts", "T1078.004 T1585.003 T1586.003"),
        # ATT&CK renamed them, with the ID kept
        ("Credential Dumping", "T1003"),
        ("Remote File Copy", "T1105"),
        ("standard application layer protocol", "T1071"),
        ("Command-Line Interface", "T1059"),
        ("Exfiltration Over Command and Control Channel", "T1041"),
        ("Man in the Middle", "T1557"),
        ("LLMNR/NBT-NS Poisoning and SMB Relay", "T1557.001"),
        ("Legitimate Credentials", "T1078"),
        (".bash_profile and .bashrc", "T1546.004"),
        # or revoked the ID, which the table tells
        ("DLL Search Order Hijacking", "T1574.001"),
        ("Rc.common", "T1037.004"),
        # or deprecated it, with another to use or none
        ("Scripting", "T1059 T1064"),
        ("Commonly Used Port", "T1043"),
        # below a parent, and behind a tactic
        ("Command and Scripting Interpreter: PowerShell", "T1059.001"),
        ("Valid Accounts: Cloud Accounts", "T1078.004"),
        ("Compromise Accounts/Cloud Accounts", "T1586.003"),
        ("Scheduled Task/Job: Scheduled Task", "T1053.005"),
        ("Impair Defenses: Disable or Modify Tools", "T1685"),
        ("Credential Dumping - LSASS Memory", "T1003.001"),
        ("Execution: PowerShell", "T1059.001"),
        ("Discovery: Cloud Account", "T1087.004"),
        ("command-and-control: Application Layer Protocol: DNS", "T1071.004"),
        ("Defense Evasion: Process Injection", "T1055"),
        ("Exfiltration Over C2 Channel", "T1041"),
        # spelt otherwise
        ("Command & Scripting Interpreter", "T1059"),
        ("command_and_scripting_interpreter", "T1059"),
        ("command-and.scripting  INTERPRETER", "T1059"),
        ("Scheduled Task Job", "T1053"),
        ("Process Doppelg\u00e4nging", "T1055.013"),
        ("Process Doppelga\u0308nging", "T1055.013"),
        ("Process Doppelganging", "T1055.013"),
        ("Process Injection: Process Doppelganging", "T1055.013"),
        ('["PowerShell"', "T1059.001"),
        ("Valid Account", "T1078"),
        ("Scheduled Tasks", "T1053.005"),
        ("Local Accounts", "T1078.003"),
        ("Local Account", "T1087.001 T1136.001"),
        # no technique
        ("Discovery", ""),
        ("Command and Control", ""),
        ("Malicious PowerShell", ""),
        ("Valid Accounts: PowerShell", ""),
        ("System Information Discovery" + " " * 200, ""),
        (" - ", ""),
    ],
)
def test_names_former_and_otherwise_spelt(attack: Attack, name: str, expected: str) -> None:
    assert sorted(attack.by_name(name)) == expected.split()


def test_every_name_of_the_table_is_known_and_former_names_add_to_it(attack: Attack) -> None:
    for technique, values in attack.rows.items():
        assert attack.current(technique) in attack.by_name(values["name"])
        if values["parent"]:
            full = f"{attack.name(values['parent'])}: {values['name']}"
            assert attack.by_name(full) == (attack.current(technique),)
    current = {
        values["name"].casefold()
        for values in attack.rows.values()
        if values["status"] != "deprecated"
    }
    for technique, names in FORMER_NAMES.items():
        assert attack.current(technique) == technique in attack.rows
        for name in names:
            assert technique in attack.by_name(name)
            assert name.casefold() not in current


@given(st.text(max_size=300))
def test_no_text_is_too_strange_for_a_name(attack: Attack, name: str) -> None:
    assert all(technique in attack.rows for technique in attack.by_name(name))


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
