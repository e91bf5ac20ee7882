"""Known software in an alert: by folder, name, program, and who calls."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import SOFTWARE
from lofp_enrich.search.knowledge.software import Sighting, SoftwareIndex
from tests.conftest import examples


def row(key: str, category: str = "backup", does: Any = None, **values: str) -> dict[str, str]:
    empty = dict.fromkeys(SOFTWARE, "")
    said = {"does": json.dumps(does)} if does is not None else {}
    return {**empty, "software": key, "name": key.title(), "category": category, **said, **values}


def alert(**values: str | tuple[str, ...]) -> Alert:
    each = {name: (v,) if isinstance(v, str) else v for name, v in values.items()}
    return Alert(each, (), (), {})


ROWS = (
    row("vault", processes="vault.exe|vaultsvc.exe", folders="C:\\Program Files\\Vault\\"),
    row("drop", processes="drop.exe", folders="C:\\Users\\*\\AppData\\Roaming\\Drop\\"),
    row("twin-a", processes="twin.exe|agent.exe", folders="C:\\Program Files\\Twin A\\"),
    row("twin-b", processes="twin.exe|agent.exe", folders="C:\\Program Files\\Twin B\\"),
    row("third", processes="agent.exe", folders="C:\\Program Files\\Third\\"),
    row("suite-x", processes="x.exe", folders="C:\\Program Files\\Suite\\"),
    row("suite-y", processes="y.exe", folders="C:\\Program Files\\Suite\\"),
    row("part", processes="part.exe", folders="C:\\Windows\\System32\\"),
    row("daemon", processes="daemond", folders="/opt/daemon/", files="/usr/bin/daemon"),
    row("versions", processes="v.exe", folders="C:\\ProgramData\\Versions\\app-*\\bin\\"),
    row("loose", processes="loose.exe"),
    row("stack", invoked_by="stack.amazonaws.com"),
    row("roles", users="arn:aws:*:assumed-role/vault-*|system:serviceaccount:vault:*"),
    row("roles-of-one", users="arn:aws:*:assumed-role/vault-nightly*"),
    row("linked", users="arn:aws:*:assumed-role/awsservicerolefor*"),
    row("app", app_ids="1950a258-227b-4e31-a9cf-717495945fc2"),
    row("agent", user_agents="aws-vault/|aws-vault/2 nightly"),
)
INDEX = SoftwareIndex.of(ROWS)


def seen(**values: str | tuple[str, ...]) -> list[Sighting]:
    return list(INDEX.sightings(alert(**values)))


@pytest.mark.parametrize("role", ["process", "parent"])
@pytest.mark.parametrize(
    ("path", "found"),
    [
        # In its own folder, under whatever name: the folder is nobody else's.
        ("C:\\Program Files\\Vault\\vault.exe", [("vault", "own", True)]),
        ("C:\\Program Files\\Vault\\bin\\helper.exe", [("vault", "own", True)]),
        ("c:/program files/VAULT/vault.exe", [("vault", "own", True)]),
        ("\\Device\\HarddiskVolume3\\Program Files\\Vault\\x.exe", [("vault", "own", True)]),
        # Out of it again.
        ("C:\\Program Files\\Vault\\..\\x\\other.exe", []),
        ("C:\\Program Files\\Vaults\\other.exe", []),
        # A folder that users write is its own, and nothing that only administrators write.
        ("C:\\Users\\ada\\AppData\\Roaming\\Drop\\drop.exe", [("drop", "own", False)]),
        ("C:\\Users\\ada\\AppData\\Roaming\\Drop\\x\\drop.exe", [("drop", "own", False)]),
        ("C:\\Users\\ada\\b\\AppData\\Roaming\\Drop\\drop.exe", [("drop", "wrong", False)]),
        ("C:\\ProgramData\\Versions\\app-1.2\\bin\\v.exe", [("versions", "own", False)]),
        ("C:\\ProgramData\\Versions\\app\\bin\\v.exe", [("versions", "wrong", False)]),
        # Elsewhere where administrators install, its name is its own.
        ("C:\\Program Files (x86)\\Old\\vault.exe", [("vault", "named", True)]),
        ("/usr/local/bin/daemond", [("daemon", "named", False)]),
        ("/usr/sbin/daemond", [("daemon", "named", True)]),
        # Where users write, or among the system's own, it is out of place.
        ("C:\\Users\\Public\\vault.exe", [("vault", "wrong", False)]),
        ("C:\\Windows\\Temp\\vault.exe", [("vault", "wrong", False)]),
        ("C:\\Windows\\System32\\vault.exe", [("vault", "wrong", False)]),
        ("C:\\ProgramData\\vault.exe", [("vault", "wrong", False)]),
        ("/tmp/daemond", [("daemon", "wrong", False)]),
        ("/home/ada/daemond", [("daemon", "wrong", False)]),
        # Of a product without a known folder nobody can say that it is out of place.
        ("C:\\Users\\ada\\Downloads\\loose.exe", [("loose", "named", False)]),
        ("C:\\Windows\\System32\\loose.exe", [("loose", "named", False)]),
        ("D:\\tools\\loose.exe", [("loose", "named", False)]),
        # Of another drive, a share and folders of the site nobody knows.
        ("D:\\Vault\\vault.exe", []),
        ("\\\\files\\tools\\vault.exe", []),
        ("C:\\Tools\\vault.exe", []),
        ("/data/daemond", []),
        # A name without a folder.
        ("vault.exe", [("vault", "open", False)]),
        ("VAULT.EXE", [("vault", "open", False)]),
        ("twin.exe", [("twin-a", "open", False), ("twin-b", "open", False)]),
        # Two may share a name, as those of one vendor do; of three it is no name of anybody's.
        (
            "C:\\Program Files\\Old\\twin.exe",
            [("twin-a", "named", True), ("twin-b", "named", True)],
        ),
        ("C:\\Users\\Public\\twin.exe", []),
        ("C:\\Program Files\\Old\\agent.exe", []),
        ("C:\\Program Files\\Twin A\\agent.exe", [("twin-a", "own", True)]),
        # In a folder of several it is whose name fits, else the suite's, which comes first.
        ("C:\\Program Files\\Suite\\x.exe", [("suite-x", "own", True)]),
        ("C:\\Program Files\\Suite\\y.exe", [("suite-y", "own", True)]),
        ("C:\\Program Files\\Suite\\z.exe", [("suite-x", "own", True)]),
        # In the system's the name must fit.
        ("C:\\Windows\\System32\\part.exe", [("part", "own", True)]),
        ("C:\\Windows\\System32\\cmd.exe", []),
        # One very file.
        ("/usr/bin/daemon", [("daemon", "own", True)]),
        ("/usr/bin/daemon2", []),
        ("", []),
    ],
)
def test_by_path(role: str, path: str, found: list[tuple[str, str, bool]]) -> None:
    sightings = seen(**{role: path})
    assert sorted((each.key, each.place, each.beyond) for each in sightings) == found
    assert {each.role for each in sightings} <= {role}
    assert {each.because for each in sightings} <= {f"{role} is {path}"}


@pytest.mark.parametrize("attribute", ["registry_data", "service"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("C:\\Program Files\\Vault\\vault.exe", [("vault", "own", True)]),
        ('"C:\\Program Files\\Vault\\vault.exe" --tray', [("vault", "own", True)]),
        ("C:\\Program Files\\Vault\\driver.sys", [("vault", "own", True)]),
        ("C:\\Users\\Public\\vault.exe /quiet", [("vault", "wrong", False)]),
        # Behind another program it is an argument.
        ('cmd.exe /c "C:\\Program Files\\Vault\\vault.exe"', []),
        ("C:\\Windows\\System32\\cmd.exe /c C:\\Program Files\\Vault\\vault.exe", []),
        ("vault.exe", []),
        ("DWORD (0x00000001)", []),
        ("", []),
    ],
)
def test_what_is_to_start(attribute: str, text: str, found: list[tuple[str, str, bool]]) -> None:
    sightings = seen(**{attribute: text})
    assert [(each.key, each.place, each.beyond) for each in sightings] == found
    assert {each.role for each in sightings} <= {"registered"}
    assert {each.because for each in sightings} <= {f"it starts {text}"}


@pytest.mark.parametrize(
    ("attribute", "text", "found"),
    [
        # What a service says of its caller by itself.
        ("invoked_by", "stack.amazonaws.com", [("stack", True)]),
        ("invoked_by", "STACK.amazonaws.com", [("stack", True)]),
        ("invoked_by", "stack.amazonaws.com.example.com", []),
        ("src_ip", "stack.amazonaws.com", [("stack", True)]),
        # A client's id is claimed by whoever signs in with it.
        ("actor_id", "1950a258-227b-4e31-a9cf-717495945fc2", [("app", False)]),
        ("app", "1950A258-227B-4E31-A9CF-717495945FC2", [("app", False)]),
        # Names of roles and accounts are whoever's who may make them ...
        ("user", "arn:aws:sts::1:assumed-role/vault-x/s", [("roles", False)]),
        ("actor_id", "arn:aws:sts::1:assumed-role/vault-x/s", [("roles", False)]),
        ("user", "arn:aws:sts::1:assumed-role/x-vault-x/s", []),
        # ... but for those that the provider keeps to itself.
        ("user", "arn:aws:sts::1:assumed-role/AWSServiceRoleForVault/s", [("linked", True)]),
        # A pod's account is whoever runs in the pod.
        ("user", "system:serviceaccount:vault:runner", [("roles", False)]),
        # The pattern that says most decides.
        ("user", "arn:aws:sts::1:assumed-role/vault-nightly/s", [("roles-of-one", False)]),
        # A user agent begins like it, and is whatever who calls writes there.
        ("user_agent", "aws-vault/7.2", [("agent", False)]),
        ("user_agent", "x aws-vault/7.2", []),
    ],
)
def test_by_caller(attribute: str, text: str, found: list[tuple[str, bool]]) -> None:
    sightings = seen(**{attribute: text})
    assert [(each.key, each.beyond) for each in sightings] == found
    assert {(each.role, each.place) for each in sightings} <= {("caller", "own")}
    assert {each.because for each in sightings} <= {f"{attribute.replace('_', ' ')} is {text}"}


class TestProducts:
    DOES = ({"role": "parent", "what": "saves", "process|endswith": "\\tar.exe"},)

    def test_an_unknown_key_is_nobody(self) -> None:
        assert INDEX.product("nobody") is None
        assert not INDEX.owns("nobody", "c:\\program files\\vault\\x.dll")

    def test_it_owns_what_lies_in_its_folder(self) -> None:
        assert INDEX.owns("vault", "c:\\program files\\vault\\x.dll")
        assert not INDEX.owns("vault", "c:\\program files\\third\\x.dll")

    def test_all_of_a_row(self) -> None:
        made = row("a", "edr", self.DOES, vendor="V", aliases="x|y", hosts="*.A.example|b.example")
        found = SoftwareIndex.of([made]).product("a")
        assert found
        assert (found.key, found.name, found.vendor, found.category) == ("a", "A", "V", "edr")
        assert (found.aliases, found.hosts) == (("x", "y"), ("*.a.example", "b.example"))
        assert [(each.role, each.what) for each in found.does] == [("parent", "saves")]

    @pytest.mark.parametrize(
        "cell",
        [
            *("{", "[", "nonsense", "null", "1", '"text"', "{}", "[[]]", '{"role": "parent"}'),
            '[{"role": "parent", "what": "x", "colour": "red"}]',
            '[{"role": "parent", "what": "x", "user|re": "(a+)+"}]',
            '[{"role": "parent", "what": "x", "user": []}]',
            "[null, 7, true]",
            "[" * 100_000,
        ],
    )
    def test_a_damaged_behaviour_costs_itself_alone(self, cell: str) -> None:
        good = json.dumps(self.DOES)
        index = SoftwareIndex.of([{**row("a"), "does": cell}, {**row("b"), "does": good}])
        damaged, other = index.product("a"), index.product("b")
        assert damaged
        assert damaged.does == ()
        assert other
        assert len(other.does) == 1

    def test_a_damaged_one_among_good_ones(self) -> None:
        index = SoftwareIndex.of([row("a", does=[7, {"role": "x", "colour": 1}, *self.DOES])])
        found = index.product("a")
        assert found
        assert [each.what for each in found.does] == ["saves"]

    def test_an_older_set_of_lookups_has_none(self, tmp_path: Any) -> None:
        assert list(SoftwareIndex.load(tmp_path).sightings(alert(process="vault.exe"))) == []

    def test_a_file_that_is_there_and_damaged_is_told(self, tmp_path: Any) -> None:
        (tmp_path / "lofp_software.csv").write_text("software,name\n")
        with pytest.raises(SearchError, match="lofp_software"):
            SoftwareIndex.load(tmp_path)


LONG = 1_000_000


@pytest.mark.parametrize(
    "value",
    [
        "C:\\" * (LONG // 3),
        "\\" * LONG,
        "/.." * (LONG // 3),
        '"' * LONG,
        "a.exe" * (LONG // 5),
        "arn:aws:" + ":assumed-role/vault" * (LONG // 19),
        "C:\\Program Files\\Vault\\" + "x" * LONG + ".exe",
        "\U0001f600" * (LONG // 4),
    ],
)
@pytest.mark.parametrize(
    "attribute",
    ["process", "parent", "registry_data", "service", "user", "user_agent", "invoked_by", "app"],
)
def test_a_value_of_a_megabyte_is_a_value(attribute: str, value: str) -> None:
    for each in seen(**{attribute: value}):
        assert len(each.because) < LONG + 100


TEXT = st.text("ab*?\\/:.C|\"' x", max_size=12) | st.sampled_from(
    ["vault.exe", "C:\\Program Files\\Vault\\vault.exe", "system:serviceaccount:vault:x", "*", "\\"]
)


@examples(200)
@given(
    st.lists(st.dictionaries(st.sampled_from(SOFTWARE[1:15]), TEXT, max_size=4), max_size=4),
    st.dictionaries(
        st.sampled_from(["process", "parent", "service", "user", "app", "src_ip", "registry_data"]),
        st.lists(TEXT, max_size=3).map(tuple),
    ),
)
def test_any_rows_and_any_alert(
    rows: Iterable[dict[str, str]], values: dict[str, tuple[str, ...]]
) -> None:
    index = SoftwareIndex.of(row(str(number), **each) for number, each in enumerate(rows))
    for sighting in index.sightings(Alert(values, (), (), {})):
        assert index.product(sighting.key)
        assert sighting.place in ("own", "named", "wrong", "open")
        assert not (sighting.beyond and sighting.place in ("wrong", "open"))
