"""Our own entries and a site's: YAML or CSV, checked with `schema/entry.schema.json`."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema

from lofp_enrich.errors import RuleError
from lofp_enrich.model import Conditions, FalsePositive, Location, LogSource, Rule
from lofp_enrich.search.alert.detection import condition
from lofp_enrich.search.errors import SearchError
from lofp_enrich.sources import fields, yamldoc
from lofp_enrich.sources.fields import Items, RuleNode

_SCHEMA = Path(__file__).parent.parent / "schema" / "entry.schema.json"
_LISTS = frozenset({"techniques", "products", "terms", "software", "seen"})
_NAMES = {
    "av": "AV", "aws": "AWS", "edr": "EDR", "entra": "Entra", "gcp": "GCP",
    "github": "GitHub", "gitlab": "GitLab", "m365": "Microsoft 365",
    "macos": "macOS", "sso": "SSO", "vmware": "VMware",
}  # fmt: skip


def parse(text: str, path: str) -> Iterator[Rule | RuleError]:
    """A rule for each good entry, and an error for everything the schema finds in the others."""
    is_csv = PurePosixPath(path).suffix.lower() == ".csv"
    found = _rows(text, path) if is_csv else _items(text, path)
    return fields.each(_rule, (part for entry in found for part in _checked(entry)))


def _items(text: str, path: str) -> Iterator[RuleNode | RuleError]:
    """The entries of a YAML file; a key without a value is as good as not there."""
    for document in yamldoc.documents(text, path):
        if isinstance(document, RuleError):
            raise document
        if document is None:
            continue
        if not isinstance(document, Items):
            raise RuleError("expected a list of entries, each with a dash", Location(path, 1))
        for line, item in zip(document.lines, document):
            if isinstance(item, RuleNode):
                for key in [key for key, value in item.items() if value is None]:
                    del item[key]
                yield item
            else:
                message = "expected a mapping with the keys of an entry"
                yield RuleError(message, Location(path, line))


def _rows(text: str, path: str) -> Iterator[RuleNode | RuleError]:
    """The entries of a CSV file; a list is one cell, its items joined with `|`."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    line = 1
    try:
        for row in reader:
            where = Location(path, line)
            if not header:
                header = [name.strip() for name in row]
                if "statement" not in header:
                    raise RuleError("the first line must name the columns", where, "statement")
            elif len(row) > len(header):
                yield RuleError(f"{len(row)} cells for {len(header)} columns", where)
            elif any(row):
                yield _row(dict(zip(header, row)), where)
            line = reader.line_num + 1
    except csv.Error as error:
        raise RuleError(f"not CSV: {error}", Location(path, line)) from error


def _row(cells: dict[str, str], where: Location) -> RuleNode:
    table = RuleNode(where.path, where.line)
    for name, cell in cells.items():
        if cell.strip():
            items = [item.strip() for item in cell.split("|") if item.strip()]
            table[name] = items if name in _LISTS else cell
    return table


def _checked(entry: RuleNode | RuleError) -> Iterator[RuleNode | RuleError]:
    """The entry if the schema has nothing against it, else everything it has."""
    if isinstance(entry, RuleError):
        yield entry
        return
    faults = [fault for error in _validator().iter_errors(entry) for fault in _faults(entry, error)]
    yield from sorted(faults, key=lambda fault: fault.location.line) if faults else [entry]


@functools.lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON Schema of an entry file, which editors can use as well."""
    loaded: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return loaded


@functools.lru_cache(maxsize=1)
def _validator() -> Any:
    return jsonschema.Draft202012Validator(schema()["$defs"]["entry"])


def _faults(entry: RuleNode, error: Any) -> Iterator[RuleError]:
    """An error of the schema with its line, in words of the schema's own descriptions."""
    if error.validator == "required":
        # One error for each key, but its name is only in the message: 'x' is a required property.
        yield RuleError("missing", entry.at(), error.message.split("'")[1])
    elif error.validator == "additionalProperties" and not error.path:
        known = error.schema["properties"]
        for key in entry:
            if key not in known:
                message = f"no such key; the keys are {', '.join(known)}"
                yield RuleError(message, entry.at(key), key)
    else:
        key = str(error.path[0])
        where = entry.at(key)
        items = entry[key]
        if len(error.path) > 1 and isinstance(items, Items):
            where = Location(entry.path, items.lines[int(error.path[1])])
        # What is amiss deep inside a condition has no words of its own: then those of its key.
        of_key = schema()["$defs"]["entry"]["properties"][key]["description"]
        yield RuleError(f"expected {error.schema.get('description', of_key)}", where, key)


def _rule(entry: RuleNode) -> Rule:
    statement = fields.text(entry, "statement")
    return Rule(
        source="entries",
        id=hashlib.sha256(statement.casefold().encode(errors="replace")).hexdigest()[:12],
        title=_title(entry.path),
        location=entry.at(),
        techniques=fields.technique_ids(fields.texts(entry, "techniques")),
        falsepositives=(
            FalsePositive(
                statement,
                check=fields.text(entry, "check"),
                against=fields.text(entry, "against"),
                conditions=_conditions(entry),
            ),
        ),
        logsource=LogSource(product="|".join(fields.texts(entry, "products"))),
        author=fields.text(entry, "author"),
        license=fields.text(entry, "license"),
        url=fields.text(entry, "url"),
        terms=fields.terms(fields.texts(entry, "terms")),
    )


def _conditions(entry: RuleNode) -> Conditions | None:
    """The conditions of an entry, which the evaluator must be able to read."""
    fits, contradicts = entry.get("fits"), entry.get("contradicts")
    software = tuple(fields.texts(entry, "software"))
    if not (software or fits or contradicts):
        return None
    maps = contradicts if isinstance(contradicts, list) else [contradicts] if contradicts else []
    pairs: list[tuple[str, Any]] = [("fits", fits or {}), *(("contradicts", one) for one in maps)]
    for key, each in pairs:
        try:
            condition(each)
        except SearchError as error:
            raise RuleError(str(error), entry.at(key), key) from error
    return Conditions(
        software,
        fields.text(entry, "role"),
        json.dumps(fits, sort_keys=True, ensure_ascii=False) if fits else "",
        json.dumps(maps, sort_keys=True, ensure_ascii=False) if maps else "",
    )


def _title(path: str) -> str:
    """The file's name as a title: `windows-execution.yaml` is "Windows execution"."""
    words = PurePosixPath(path).stem.replace("-", " ").replace("_", " ").split()
    title = " ".join(_NAMES.get(word, word) for word in words)
    return title[:1].upper() + title[1:] if words and words[0] not in _NAMES else title
