"""Known software as people write it, and as the command gets it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import jsonschema
import pytest
import yaml

from lofp_enrich.catalogue import software
from lofp_enrich.search.alert.detection import condition
from lofp_enrich.search.alert.programs import INTERPRETERS
from lofp_enrich.search.alert.reach import ADMINISTRATORS, ANYBODY
from lofp_enrich.search.knowledge import behaviour, columns
from lofp_enrich.search.knowledge.behaviour import CHECKS
from lofp_enrich.search.knowledge.software import ROLES, SoftwareIndex
from tests.conftest import CHECKOUT

SCHEMA = json.loads(
    (CHECKOUT / "lofp_enrich" / "schema" / "software.schema.json").read_text(encoding="utf-8")
)
FILES = sorted(software.STARTER.glob("*.yaml"))
pytestmark = pytest.mark.once

PRODUCTS = software.products()
CATEGORIES = set(SCHEMA["$defs"]["product"]["properties"]["category"]["enum"])
OF_THE_SYSTEM = frozenset(
    "conhost.exe csrss.exe dllhost.exe explorer.exe lsass.exe msiexec.exe net.exe net1.exe reg.exe"
    " rundll32.exe sc.exe schtasks.exe services.exe svchost.exe taskhostw.exe taskkill.exe"
    " winlogon.exe wmiprvse.exe".split()
)
"""Programs that are the system's, wherever a vendor has put one of such a name."""


def validator() -> Any:
    return jsonschema.Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": "#/$defs/product"})


def doings(product: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = product.get("does", [])
    return found


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_schema_has_nothing_against_them(path: Any) -> None:
    check = validator()
    faults = [
        f"{product.get('key')}: {'/'.join(map(str, error.path))}: {error.message[:200]}"
        for product in yaml.safe_load(path.read_text(encoding="utf-8"))
        for error in check.iter_errors(product)
    ]
    assert faults == []


GOOD = {
    **{"key": "label-printer", "name": "Label Printer", "vendor": "A", "category": "print"},
    **{"processes": ["label.exe"], "folders": ["C:\\Program Files\\Label\\"]},
    "does": [{"role": "process", "what": "writes a label", "file|endswith": ".lbl"}],
    **{"seen": ["a page"], "checked": "2026-12"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"key": "Label Printer"},
        {"key": ""},
        {"category": "printing"},
        {"folders": ["C:\\Program Files\\Label"]},
        {"folders": ["Label\\"]},
        {"folders": []},
        {"processes": ["a|b"]},
        {"processes": ["a", "a"]},
        {"processes": "label.exe"},
        {"does": [{"role": "process", "what": "x"}]},
        {"does": [{"role": "sender", "what": "x", "user": "a"}]},
        {"does": [{"role": "process", "user": "a"}]},
        {"does": [{"role": "process", "what": "x", "user": {"a": "b"}}]},
        {"seen": []},
        {"checked": "2026"},
        {"colour": "red"},
    ],
)
def test_schema_refuses(change: dict[str, Any]) -> None:
    assert validator().is_valid(GOOD)
    assert not validator().is_valid({**GOOD, **change})


@pytest.mark.parametrize("key", ["key", "name", "vendor", "category", "seen", "checked"])
def test_schema_misses(key: str) -> None:
    assert not validator().is_valid({name: value for name, value in GOOD.items() if name != key})


def test_a_product_stands_in_the_file_of_its_category() -> None:
    lost = [
        (path.name, product["key"])
        for path in FILES
        if not path.stem.startswith("entries-")
        for product in yaml.safe_load(path.read_text(encoding="utf-8"))
        if product["category"] != path.stem
    ]
    assert lost == []


def test_keys_are_unique_and_sorted() -> None:
    keys = [product["key"] for product in PRODUCTS]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert keys == sorted(keys)


def test_everything_that_they_do_compiles() -> None:
    broken = []
    for product in PRODUCTS:
        for doing in doings(product):
            items = {name: each for name, each in doing.items() if name not in ("role", "what")}
            try:
                assert condition(items)
            except Exception as error:
                broken.append(f"{product['key']}: {error}")
    assert broken == []


def test_roles_are_those_that_the_command_finds() -> None:
    assert {doing["role"] for product in PRODUCTS for doing in doings(product)} <= set(ROLES)


def test_no_tool_of_the_system_is_a_products_program() -> None:
    # PsExec is no part of the system, and a product here.
    tools = (INTERPRETERS - {"psexec.exe"}) | OF_THE_SYSTEM
    found = {
        product["key"]: sorted(tools & {name.lower() for name in product.get("processes", ())})
        for product in PRODUCTS
        # Of these the system consists.
        if product["category"] not in ("operating-system", "installer")
    }
    assert {key: names for key, names in found.items() if names} == {}


SUITES = {
    "c:\\program files\\microsoft office\\": "microsoft-office",
    "c:\\program files (x86)\\microsoft office\\": "microsoft-office",
    "c:\\program files (x86)\\sap\\": "sap",
    "c:\\windows\\microsoft.net\\": "dotnet",
}
"""Folders in which several products lie, and whose the rest of it is."""


def test_a_folder_is_one_products() -> None:
    """A product written down twice has no folder of its own, and its programs no name."""
    owners: dict[str, list[str]] = {}
    for product in PRODUCTS:
        for folder in product.get("folders", ()):
            owners.setdefault(folder.lower(), []).append(product["key"])
    shared = {folder: keys[0] for folder, keys in owners.items() if len(keys) > 1}
    assert shared == SUITES


def test_no_folder_is_everybodys() -> None:
    """A folder of its own is below such as hold the programs of all."""
    shared = {folder for folder, _ in (*ADMINISTRATORS, *ANYBODY)} | {"c:\\", "c:\\users\\", "\\"}
    found = [
        (product["key"], folder)
        for product in PRODUCTS
        if product["category"] != "operating-system"
        for folder in product.get("folders", ())
        if folder.lower().replace("/", "\\")
        in shared
        - {"\\nix\\store\\", "\\var\\ossec\\"}
        - {"\\var\\lib\\waagent\\", "\\var\\cfengine\\"}
        - {"c:\\programdata\\package cache\\"}
        - {"c:\\programdata\\chocolatey\\", "c:\\programdata\\chocolatey\\lib\\"}
        - {"c:\\programdata\\microsoft\\windows defender\\", "\\opt\\homebrew\\", "\\snap\\"}
        - {"\\usr\\local\\homebrew\\", "\\usr\\local\\cellar\\"}
    ]
    assert found == []


def test_categories_are_known_wherever_they_are_named() -> None:
    named = {
        *behaviour.RUNS_ANYTHING, *behaviour.BROUGHT_ALONG, *behaviour.OWN_WORK, *behaviour.TALKS,
        *behaviour.AGENTS, *behaviour.READS_LSASS, *behaviour.ROOT_BY_ASKING,
        *behaviour.RUNS_TOOLS, *CHECKS,
    }  # fmt: skip
    assert named - CATEGORIES == set()
    assert {product["category"] for product in PRODUCTS} == CATEGORIES


def test_rows_come_back_as_they_were_written() -> None:
    rows = list(software.rows())
    assert [set(row) for row in rows] == [set(columns.SOFTWARE)] * len(PRODUCTS)
    index = SoftwareIndex.of(rows)
    for product, row in zip(PRODUCTS, rows):
        found = index.product(product["key"])
        assert found
        assert (found.key, found.name) == (product["key"], product["name"])
        assert (found.vendor, found.category) == (product["vendor"], product["category"])
        assert [each.what for each in found.does] == [each["what"] for each in doings(product)]
        for name in ("aliases", "processes", "folders", "files", "users", "hosts", "seen"):
            assert [part for part in row[name].split("|") if part] == product.get(name, []), name


def test_they_are_many() -> None:
    assert len(PRODUCTS) > 900
    assert len({doing["what"] for product in PRODUCTS for doing in doings(product)}) > 1_000
