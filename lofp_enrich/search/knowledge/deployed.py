"""Rules that run at the site, `lofp_deployed.csv`: what the site's own content says of them.

A saved search of the app fills the file from the `action.escu.known_false_positives` of the saved
searches that are there, so that a rule is found by its exact name and in the version that runs.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

from lofp_enrich.search.alert.names import title_keys
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import from_cell


class DeployedRule(NamedTuple):
    """A rule of the site with one of its statements."""

    title: str
    statement: str
    source: str
    author: str
    url: str
    techniques: tuple[str, ...]


def load_deployed(path: Path) -> dict[str, tuple[DeployedRule, ...]]:
    """The site's rules by every key that an alert may name them by; none where there is no file.

    Raises SearchError where the file is no such table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SearchError(f"{path.name} cannot be read ({error.strerror}).") from error
    found: dict[str, tuple[DeployedRule, ...]] = {}
    try:
        reader = csv.DictReader(io.StringIO(text.replace("\0", "\ufffd"), newline=""), restval="")
        if not {"rule_title", "statement"} <= set(reader.fieldnames or ()):
            raise SearchError(f"{path.name} has no column rule_title or statement.")
        for cells in reader:
            rule = _rule({name: from_cell(cell or "") for name, cell in cells.items() if name})
            for key in title_keys(rule.title):
                found[key] = (*found.get(key, ()), rule)
    except csv.Error as error:
        raise SearchError(f"{path.name} is damaged ({error}).") from error
    return found


def _rule(row: dict[str, str]) -> DeployedRule:
    return DeployedRule(
        row["rule_title"].strip(),
        " ".join(row["statement"].split()),
        row.get("source") or "deployed",
        row.get("author", ""),
        row.get("url", ""),
        tuple(row.get("techniques", "").replace("|", " ").split()),
    )
