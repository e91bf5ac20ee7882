"""Products of a source: which are ours already, what they may add, and what they never do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lofp_enrich.catalogue import products, shared, software
from lofp_enrich.catalogue.products import Joined
from lofp_enrich.model import Conditions, FalsePositive, Location, Product, Rule
from lofp_enrich.search.alert.programs import INTERPRETERS
from lofp_enrich.search.alert.reach import ADMINISTRATORS, ANYBODY
from lofp_enrich.search.knowledge import behaviour
from tests.catalogue.test_software import OF_THE_SYSTEM, PRODUCTS, validator

OWN: list[dict[str, Any]] = [
    {
        **{"key": "parcel", "name": "ParcelDesk", "vendor": "P", "category": "rmm"},
        **{"aliases": ["Parcel Remote"], "processes": ["parceldesk.exe"]},
        **{"folders": ["C:\\Program Files\\ParcelDesk\\"], "hosts": ["parceldesk.example"]},
        **{"seen": ["magicsword-io/LOLRMM yaml/parcel.yaml"], "checked": "2026-01"},
    },
    {
        **{"key": "vault", "name": "VaultCopy", "vendor": "V", "category": "backup"},
        **{"processes": ["vaultcopy.exe"], "folders": ["C:\\Program Files\\VaultCopy\\"]},
        **{"seen": ["a page"], "checked": "2026-01"},
    },
]
HOME = "C:\\Program Files\\HarbourDesk\\"


def rule(name: str = "HarbourDesk", page: str = "yaml/x.yaml", **known: Any) -> Rule:
    return Rule(
        source="lolrmm",
        id=page,
        title=name,
        location=Location(page),
        falsepositives=(FalsePositive(f"{name} is in use"),),
        product=Product(name, f"magicsword-io/LOLRMM {page}", **known),
    )


def join(*rules: Rule) -> Joined:
    return products.join(OWN, rules)


def joined(*rules: Rule) -> dict[str, Any]:
    """The product that the first of the rules is about."""
    found = join(*rules)
    conditions = found.rules[0].falsepositives[0].conditions
    (new,) = [p for p in found.products if p["key"] not in ("parcel", "vault")] or [
        next(p for p in found.products if p["key"] in (conditions.software if conditions else ()))
    ]
    return dict(new)


@pytest.mark.parametrize(
    ("made", "key"),
    [
        (rule("Parcel Desk"), "parcel"),
        (rule("PARCEL"), "parcel"),
        (rule("Parcel Remote"), "parcel"),
        (rule("Desk 9 (formerly ParcelDesk)", aliases=("ParcelDesk",)), "parcel"),
        (rule("Something Else", "yaml/parcel.yaml"), "parcel"),
        (rule("Something Else", programs=(("ParcelDesk.exe", ""),)), "parcel"),
        (rule("Else", programs=(("parceldesk.exe", ""), ("e1.exe", ""), ("e2.exe", ""))), "else"),
        (rule("HarbourDesk"), "harbourdesk"),
        (rule("Häfen"), "tool-68c3a46665 6e".replace(" ", "")),
    ],
)
def test_which_product_it_is(made: Rule, key: str) -> None:
    found = join(made)
    page = made.product.page if made.product else ""
    assert [p["key"] for p in found.products if page in p["seen"]] == [key]
    assert found.counts["known"] == (key == "parcel")
    assert found.counts["new"] == (key != "parcel")


def test_our_own_row_wins_and_takes_what_is_new() -> None:
    made = rule(
        "ParcelDesk",
        "yaml/more.yaml",
        programs=(
            ("PARCELDESK.exe", ""),
            ("ParcelDeskTray.exe", "C:\\Program Files\\ParcelDesk\\bin\\"),
            ("ParcelDeskQuick.exe", "C:\\Users\\*\\Downloads\\"),
        ),
        folders=("C:\\Program Files\\ParcelDesk\\bin\\", "C:\\ProgramData\\ParcelDesk\\"),
        hosts=("parceldesk.example", "eu.parceldesk.example", "parceldesk.test"),
    )
    found = joined(made)
    assert found == {
        **OWN[0],
        "processes": ["parceldesk.exe", "ParcelDeskTray.exe"],
        "folders": ["C:\\Program Files\\ParcelDesk\\", "C:\\ProgramData\\ParcelDesk\\"],
        "hosts": ["parceldesk.example", "eu.parceldesk.example", "parceldesk.test"],
        "seen": [*OWN[0]["seen"], "magicsword-io/LOLRMM yaml/more.yaml"],
    }


def test_what_may_fit_is_known_by_our_own_hand_alone() -> None:
    made = rule("VaultCopy", folders=("C:\\VaultCopy\\Own\\",), programs=(("vaultcopyx.exe", ""),))
    found = join(made)
    (vault,) = [each for each in found.products if each["key"] == "vault"]
    assert vault == {**OWN[1], "seen": ["a page", "magicsword-io/LOLRMM yaml/x.yaml"]}
    assert found.counts["of a product that may fit"] == 2
    assert found.rules[0].falsepositives[0].conditions is None


def test_conditions_are_such_as_an_intruder_can_bring_about() -> None:
    by_folder = join(rule(folders=(HOME,))).rules[0].falsepositives[0]
    assert by_folder.conditions == Conditions(("harbourdesk",), "process")
    by_host = join(rule(hosts=("harbourdesk.example",))).rules[0].falsepositives[0]
    assert by_host.conditions == Conditions(fits='{"domain|endswith": [".harbourdesk.example"]}')
    assert join(rule()).rules[0].falsepositives[0].conditions is None
    assert products.CATEGORY in behaviour.BROUGHT_ALONG


FOLDERS = [
    *(folder.replace("\\", "/") if folder[:1] == "\\" else folder for folder, _ in ADMINISTRATORS),
    *(folder.replace("\\", "/") if folder[:1] == "\\" else folder for folder, _ in ANYBODY),
    *("C:\\", "C:\\Users\\", "C:\\Users\\*\\", "C:\\Users\\bob\\", "C:\\Users\\bob\\Downloads\\"),
    *("C:\\Users\\*\\AppData\\Local\\", "C:\\Windows\\System32\\", "C:\\WINDOWS\\SysWOW64\\x\\"),
    *("C:\\*\\", "C:\\*\\HarbourDesk\\", "C:\\Program Files\\*\\", "C:\\Program Files\\a*\\"),
    *("C:\\Program Files\\Windows Defender\\", "C:\\Program Files\\Common Files\\"),
    *("C:\\Program Files\\Microsoft\\", "C:\\Program Files\\Microsoft Office\\"),
    *(
        "C:\\HarbourDesk*a*b*c\\Own\\",
        "C:\\HarbourDesk\\",
        "C:\\Temp\\",
        "/",
        "/home/bob/",
        "/opt/",
    ),
    *(
        "C:\\Program Files\\HarbourDesk\\..\\",
        "\\\\server\\HarbourDesk\\",
        "HarbourDesk\\",
        "/tmp/",
    ),
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_many_is_nobodys(folder: str) -> None:
    found = join(rule(folders=(folder,)))
    assert "folders" not in found.products[0] or found.products[0]["key"] != "harbourdesk"
    assert found.counts["folder of many"] == 1


@pytest.mark.parametrize(
    "name",
    [
        *sorted((INTERPRETERS - {"psexec.exe"}) | OF_THE_SYSTEM)[::3],
        *("SVCHOST.EXE", "mstsc.exe", "RemoteSupport.exe", "setup64.exe", "rd.exe", "plink.exe"),
    ],
)
def test_a_program_of_the_system_or_of_many_is_nobodys(name: str) -> None:
    found = join(rule(programs=((name, ""), (name, HOME)), folders=(HOME,)))
    assert "processes" not in found.products[0]
    assert found.counts["program of the system"] + found.counts["name of many"] == 1


def test_a_program_that_lies_among_the_systems_is_the_systems() -> None:
    found = join(rule(programs=(("harbourdesk.exe", "C:\\Windows\\System32\\"),)))
    assert found.counts["program of the system"] == 1


@pytest.mark.parametrize(
    "known",
    [
        {"programs": (("VaultCopy.exe", ""),), "folders": (HOME,), "site": "x.example"},
        {"folders": ("C:\\Program Files\\VaultCopy\\",)},
        {"folders": ("C:\\Program Files\\VaultCopy\\HarbourDesk\\",)},
        {"hosts": ("harbourdesk.parceldesk.example",)},
    ],
)
def test_what_is_another_products_stays_his(known: dict[str, Any]) -> None:
    # A second program, for by one alone it would be taken for the same product.
    others = (*known.pop("programs", ()), ("hd1.exe", ""), ("hd2.exe", ""))
    assert join(rule(programs=others, **known)).counts["another product's"] == 1


@pytest.mark.parametrize(
    ("host", "site", "is_own"),
    [
        ("harbourdesk.example", "", True),
        ("eu.harbourdesk.co.uk", "", True),
        ("pier.example", "www.pier.example", True),
        ("intruder.example", "www.pier.example", False),
        ("harbourdesk.s3.amazonaws.com", "", False),
        ("raw.githubusercontent.com", "github.com", False),
        ("remotedesk.example", "", False),
    ],
)
def test_hosts(host: str, site: str, is_own: bool) -> None:
    found = join(rule(hosts=(host,), site=site))
    assert found.products[0].get("hosts", []) == ([host] if is_own else [])
    assert found.counts["host of others"] == (not is_own)


def test_a_name_tells_where_a_program_is_out_of_place_only_with_its_folder() -> None:
    names = (
        *(("harbourdesk.exe", HOME), ("harbourdeskquick.exe", ""), ("pier.exe", HOME)),
        ("HarbourDeskUser.exe", "C:\\Users\\*\\Desktop\\"),
    )
    found = join(rule(programs=names, folders=(HOME,)))
    assert found.products[0]["processes"] == ["harbourdesk.exe"]
    assert found.counts["name without its folder"] == 2
    assert found.counts["name without the product's"] == 1
    homeless = join(rule(programs=names)).products[0]
    assert len(homeless["processes"]) == 4


def test_two_files_of_a_tool_are_one_product() -> None:
    made = (rule("Level.io", "a.yaml", folders=(HOME,)), rule("LevelIO", "b.yaml", services=("S",)))
    found = join(*made)
    assert (found.counts["read"], found.counts["new"]) == (2, 1)
    (level,) = [
        each for each in found.products if each["category"] == "rmm" and each["vendor"] == ""
    ]
    assert (level["key"], level["name"], len(level["seen"])) == ("level-io", "Level.io", 2)
    assert [r.falsepositives[0].conditions for r in found.rules] == [
        Conditions(("level-io",), "process")
    ] * 2


def test_the_order_of_the_rules_does_not_matter() -> None:
    made = [rule("B", "b.yaml", folders=(HOME,)), rule("A", "a.yaml"), rule("B.", "c.yaml")]
    one, other = join(*made), join(*reversed(made))
    assert json.dumps(one.products) == json.dumps(other.products)
    assert one.counts == other.counts


def test_rules_without_a_product_pass_through() -> None:
    plain = Rule("sigma", "i", "T", Location("x"))
    found = join(plain)
    assert found.rules == (plain,)
    assert [dict(each) for each in found.products] == OWN


def test_nothing_of_a_hostile_file_breaks_a_row() -> None:
    made = rule(
        programs=(("harbour|desk.exe", ""), ("a" * 250 + ".exe", "")),
        folders=("C:\\Program Files\\Harbour|Desk\\",),
        services=("Harbour|Desk",),
        hosts=tuple(f"h{n}.harbourdesk.example" for n in range(300)),
    )
    found = join(made).products
    assert len(next(p for p in found if p["key"] == "harbourdesk")["hosts"]) == products.MOST
    for row in software.rows(found):
        assert "harbour|desk" not in row["processes"].lower() + row["services"].lower()


def test_our_own_products_are_as_they_were() -> None:
    assert list(products.join(PRODUCTS, ()).products) == PRODUCTS


@pytest.mark.parametrize(
    "names", [["Remote Desktop Support"], ["PC 24"], ["RDP"], ["A"], [""]], ids=str
)
def test_names_of_general_words_have_none_of_their_own(names: list[str]) -> None:
    assert shared.own_words(names) == frozenset()


def test_the_schema_knows_the_category() -> None:
    made = {**joined(rule(folders=(HOME,))), "vendor": "H", "checked": "2026-01"}
    assert validator().is_valid(made), made
