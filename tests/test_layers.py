"""The arrows of the structure: what a part may import, and that nothing imports upwards."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

PACKAGE = CHECKOUT / "lofp_enrich"
BELOW = {
    "": ("cli",),  # `python -m lofp_enrich`
    "cli": ("build", "snapshots", "deploy", "sources", "catalogue", "search"),
    "build": ("snapshots", "deploy", "sources", "catalogue", "search"),
    "snapshots": ("sources", "catalogue", "search"),
    "deploy": ("catalogue", "search"),
    "sources": ("catalogue", "search"),
    "catalogue": ("search",),
    "search": (),
    "search.splunk": ("search.answer", "search.knowledge", "search.alert"),
    "search.answer": ("search.knowledge", "search.alert"),
    "search.knowledge": ("search.alert",),
    "search.alert": (),
}
"""Part -> the parts it may import, besides itself."""
GROUND = (
    "",
    "errors",
    "files",
    "model",
    "search",
    "search.attack",
    "search.errors",
    "search.formernames",
)
"""What everything may import; what runs in Splunk only the part of it that ships."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("__init__", "__main__"))


def part_of(module: str) -> str:
    """`search.alert.words` belongs to `search.alert`, `cli.main` to `cli`."""
    if module in GROUND:
        return module
    first, _, rest = module.partition(".")
    return f"search.{rest.partition('.')[0]}" if first == "search" and rest else first


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, without the package's name."""
    names = {name_of(each) for each in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lofp_enrich"):
            base = (node.module or "").partition(".")[2]
            for each in node.names:
                inside = f"{base}.{each.name}".strip(".")
                yield inside if inside in names else base


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_down(path: Path) -> None:
    part = part_of(name_of(path))
    for module in imported(path):
        target = part_of(module)
        if part.startswith("search"):
            assert target.startswith("search") or target == "", module
        elif target.startswith("search"):
            target = "search"
        assert target in (*BELOW.get(part, ()), *GROUND, part), module


def test_no_two_parts_import_each_other() -> None:
    order = ["", *BELOW]
    for part, below in BELOW.items():
        assert all(order.index(part) < order.index(each) for each in below)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_keeps_its_name(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^ *from lofp_enrich.* import .* as \w+", text, re.MULTILINE)


def test_every_part_is_in_the_package() -> None:
    config = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    for folder in {path.parent for path in MODULES}:
        name = ".".join(folder.relative_to(CHECKOUT).parts)
        assert f'"{name}"' in config, name
