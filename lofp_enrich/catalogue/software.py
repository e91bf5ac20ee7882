"""Known software: `starter/software/*.yaml` to the rows of `lofp_software.csv`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lofp_enrich.search.knowledge.columns import SOFTWARE

STARTER = Path(__file__).parent.parent / "starter" / "software"
_LISTS = frozenset(SOFTWARE) - {"software", "name", "vendor", "category", "does", "checked"}
# The C loader is ten times as fast and not on every platform; both give the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def products() -> list[dict[str, Any]]:
    """The products that come with this package, sorted by key."""
    found = [
        product
        for path in sorted(STARTER.glob("*.yaml"))
        for product in yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER) or ()
    ]
    return sorted(found, key=lambda product: str(product["key"]))


def rows(known: Iterable[Mapping[str, Any]] | None = None) -> Iterator[Mapping[str, str]]:
    """The rows of these products, by default our own: lists joined with `|`, behaviour as JSON."""
    for product in products() if known is None else known:
        row = {
            name: "|".join(map(str, product.get(name, ())))
            if name in _LISTS
            else str(product.get(name, ""))
            for name in SOFTWARE
        }
        does = product.get("does", [])
        row["software"] = str(product["key"])
        row["does"] = json.dumps(does, sort_keys=True, ensure_ascii=False) if does else ""
        yield row
