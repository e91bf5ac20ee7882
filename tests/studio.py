"""Dashboard Studio definitions: what is in one, and whether its parts fit together.

Splunk opens a dashboard that names a panel, a data source or a token that is not there, and shows
an empty place. These are the checks that it does not make.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

INPUTS = frozenset(
    f"input.{name}"
    for name in "checkbox dropdown link multiselect number radio text timerange".split()
)
VISUALIZATIONS = frozenset(
    f"splunk.{name}"
    for name in """
    area bar bubble choropleth.map choropleth.svg column ellipse events fillergauge image line
    linkgraph map markdown markergauge parallelcoordinates pie punchcard rectangle sankey scatter
    singlevalue singlevalueicon singlevalueradial table
    """.split()
) | {"abslayout.line"}
SOURCES = frozenset({"ds.search", "ds.chain", "ds.savedSearch"})
HANDLERS = frozenset(
    f"drilldown.{name}"
    for name in "customUrl linkToDashboard linkToReport linkToSearch setToken unsetToken".split()
)

TOKEN = re.compile(r"\$([A-Za-z_][\w.:# -]*?)(?:\|([a-z](?:\|[a-z])*))?\$")
_CLICKED = re.compile(r"(?:row|click|trellis)\.|(?:value|name)$")
_ROW = re.compile(r"row\.(.+)\.(?:value|key)")
_BUILT_IN = frozenset("table rowBackgroundColors tableRowColorMaxContrast".split())
"""What a table has without being told."""
_FORMULA = re.compile(r"\s*>\s*(\w+)")
_SERIES = re.compile(r"(?:seriesByName|frameBySeriesNames|frameWithoutSeriesNames)\(([^)]*)\)")
_CONTEXT = re.compile(r"(?:matchValue|rangeValue|formatByType|pick|gradient)\(([A-Za-z_]\w*)\)")


def tokens_in(text: str) -> list[tuple[str, str]]:
    """The tokens of a text, each with its filter: `$rule|s$` is ("rule", "s"); `$$` is a dollar."""
    return [(match[1], match[2] or "") for match in TOKEN.finditer(text.replace("$$", ""))]


@dataclass(frozen=True)
class Source:
    """A data source."""

    id: str
    type: str
    query: str = ""
    extend: str = ""
    ref: str = ""


class Studio:
    """A dashboard's definition."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.definition = definition
        self.inputs: dict[str, Any] = definition.get("inputs", {})
        self.panels: dict[str, Any] = definition.get("visualizations", {})
        self.sources = {
            name: Source(
                name,
                source.get("type", ""),
                source.get("options", {}).get("query", ""),
                source.get("options", {}).get("extend", ""),
                source.get("options", {}).get("ref", ""),
            )
            for name, source in definition.get("dataSources", {}).items()
        }
        self.input_tokens = {
            each.get("options", {}).get("token", ""): each for each in self.inputs.values()
        }

    @classmethod
    def read(cls, path: Path) -> Studio:
        """The definition in a view; raises ValueError where Splunk could not read one."""
        try:
            root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        except ElementTree.ParseError as error:
            raise ValueError(f"no XML: {error}") from error
        if root.tag != "dashboard" or root.get("version") != "2":
            raise ValueError("no dashboard of version 2")
        if not (root.findtext("label") or "").strip():
            raise ValueError("no label")
        try:
            definition = json.loads(root.findtext("definition") or "")
        except ValueError as error:
            raise ValueError(f"definition: no JSON: {error}") from error
        return cls(definition)

    def findings(self) -> list[str]:
        """A line for every part that names another which is not there, and for unsafe tokens."""
        return [
            *self._types(),
            *self._sources(),
            *self._layout(),
            *self._tokens(),
            *(f"{name}: {each}" for name in self.panels for each in self._panel(name)),
        ]

    def searches(self) -> Iterator[tuple[Source, str]]:
        """Every search with text for its tokens: once for each choice that a token can have."""
        for source in self.sources.values():
            used = sorted(set(tokens_in(source.query)))
            choices = [self._values(name, applied) for name, applied in used]
            for values in itertools.product(*choices):
                query = source.query
                for (name, applied), value in zip(used, values):
                    token = f"{name}|{applied}" if applied else name
                    query = query.replace(f"${token}$", value)
                yield source, query.replace("$$", "$")

    def urls(self) -> Iterator[tuple[str, str]]:
        """(panel, address) of every link."""
        for name, handler in self._handlers():
            if handler.get("type") == "drilldown.customUrl":
                yield name, handler.get("options", {}).get("url", "")
        for name, panel in self.panels.items():
            for text in re.findall(
                r"\]\(([^)\s]+)\)", panel.get("options", {}).get("markdown", "")
            ):
                yield name, text

    def dashboard_links(self) -> Iterator[tuple[str, str, str, list[str]]]:
        """(panel, app, view, tokens) of every link to a dashboard."""
        for name, handler in self._handlers():
            if handler.get("type") == "drilldown.linkToDashboard":
                told = handler.get("options", {})
                tokens = [str(each.get("token", "")) for each in told.get("tokens", [])]
                yield name, told.get("app", ""), told.get("dashboard", ""), tokens

    def _values(self, name: str, applied: str) -> list[str]:
        if applied == "s":
            return ['"x"']
        source = self.input_tokens.get(name, {})
        items = source.get("options", {}).get("items", [])
        return [str(item["value"]) for item in items if isinstance(item, dict)] or ["x"]

    def _handlers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, panel in self.panels.items():
            for handler in panel.get("eventHandlers", []):
                yield name, handler

    def _types(self) -> Iterator[str]:
        for known, parts in ((INPUTS, self.inputs), (VISUALIZATIONS, self.panels)):
            for name, part in parts.items():
                if part.get("type") not in known:
                    yield f"{name}: no type {part.get('type')}"
        for source in self.sources.values():
            if source.type not in SOURCES:
                yield f"{source.id}: no type {source.type}"
        for name, handler in self._handlers():
            if handler.get("type") not in HANDLERS:
                yield f"{name}: no type {handler.get('type')}"

    def _sources(self) -> Iterator[str]:
        used = {source.extend for source in self.sources.values()}
        for name, part in [*self.panels.items(), *self.inputs.items()]:
            for source in part.get("dataSources", {}).values():
                used.add(source)
                if source not in self.sources:
                    yield f"{name}: no data source {source}"
        for source in self.sources.values():
            if source.type == "ds.chain":
                yield from (f"{source.id}: {each}" for each in self._base(source))
            if source.id not in used:
                yield f"{source.id}: nothing shows it"

    def _base(self, source: Source) -> Iterator[str]:
        seen = [source.id]
        while self.sources[seen[-1]].type == "ds.chain":
            base = self.sources[seen[-1]].extend
            if base not in self.sources:
                yield f"no data source {base or 'to extend'}"
                return
            if base in seen:
                yield "extends itself"
                return
            seen.append(base)

    def _layout(self) -> Iterator[str]:
        layout = self.definition.get("layout", {})
        layouts = layout.get("layoutDefinitions", {"layout": layout})
        placed = [
            str(item.get("item")) for each in layouts.values() for item in each.get("structure", [])
        ]
        shared = [str(each) for each in layout.get("globalInputs", [])]
        for name in placed:
            if name not in self.panels and name not in self.inputs:
                yield f"layout: no panel {name}"
        for name in shared:
            if name not in self.inputs:
                yield f"layout: no input {name}"
        for name in [*self.panels, *self.inputs]:
            if (placed + shared).count(name) != 1:
                yield f"layout: {name} has {(placed + shared).count(name)} places"
        for tab in layout.get("tabs", {}).get("items", []):
            if tab.get("layoutId") not in layouts:
                yield f"layout: no layout {tab.get('layoutId')} for a tab"

    def _tokens(self) -> Iterator[str]:
        known = self._known_tokens()
        used: set[str] = set()
        for where, text in _texts(self.definition):
            for name, _ in tokens_in(text):
                used.add(name)
                if not self._is_known(name, known, where):
                    yield f"{'.'.join(where[:2])}: no token {name}"
        for each in self.sources.values():
            for name, applied in sorted(set(tokens_in(each.query))):
                if applied not in ("s", "u"):
                    yield f"{each.id}: ${name}$ could end the search; write ${name}|s$"
        for panel, url in self.urls():
            for name, applied in tokens_in(url):
                if not url.startswith(f"${name}") and applied.rpartition("|")[2] != "u":
                    yield f"{panel}: ${name}$ in a link; write ${name}|u$"
            for name, applied in tokens_in(_outside_macros(searched(url))):
                if applied != "s|u":
                    yield f"{panel}: ${name}$ could end the search; write ${name}|s|u$"
        for name in self.input_tokens:
            if not {name, f"{name}.earliest"} & used:
                yield f"nothing uses the token {name}"

    def _known_tokens(self) -> set[str]:
        known = set()
        for name, part in self.input_tokens.items():
            times = part.get("type") == "input.timerange"
            known |= {f"{name}.earliest", f"{name}.latest"} if times else {name}
        for space, tokens in self.definition.get("defaults", {}).get("tokens", {}).items():
            known |= set(tokens) if space == "default" else {f"{space}:{name}" for name in tokens}
        for _, handler in self._handlers():
            if handler.get("type") == "drilldown.setToken":
                told = handler.get("options", {})
                space = told.get("tokenNamespace", "")
                names = {str(each.get("token", "")) for each in told.get("tokens", [])}
                known |= {f"{space}:{name}" for name in names} if space else names
        return known

    def _is_known(self, name: str, known: set[str], where: tuple[str, ...]) -> bool:
        if name in known or name.startswith("env:"):
            return True
        if "eventHandlers" in where and _CLICKED.match(name):
            return True
        source, _, part = name.partition(":")
        names = {*self.sources, *(each.get("name") for each in self._source_parts())}
        return source in names and part.startswith(("result.", "job."))

    def _source_parts(self) -> list[dict[str, Any]]:
        return list(self.definition.get("dataSources", {}).values())

    def _panel(self, name: str) -> Iterator[str]:
        panel = self.panels[name]
        told = panel.get("options", {})
        context = panel.get("context", {})
        fields = self._queries(panel.get("dataSources", {}).get("primary", ""))
        for _, text in _texts(told):
            formula = _FORMULA.match(text)
            if formula:
                if formula[1] not in {*panel.get("dataSources", {}), *told, *context, *_BUILT_IN}:
                    yield f"no {formula[1]} to begin a formula with"
                for wanted in _CONTEXT.findall(text):
                    if wanted not in context:
                        yield f"no {wanted} in its context"
        names = {
            field.strip(" '\"")
            for _, text in _texts(told)
            for series in _SERIES.findall(text)
            for field in re.findall(r"'[^']*'|\"[^\"]*\"", series)
        }
        names |= set(told.get("columnFormat", {}))
        for handler in panel.get("eventHandlers", []):
            names |= set(handler.get("options", {}).get("fields", []))
            keys = [
                key for _, text in _texts(handler) for key in [text, *map(_name, tokens_in(text))]
            ]
            names |= {match[1] for match in map(_ROW.fullmatch, keys) if match}
        wild = {each for each in re.findall(r"[\w.-]*\*", fields) if len(each) > 1}
        for field in sorted(names):
            known = re.search(rf"(?<!\w){re.escape(field)}(?!\w)", fields)
            if fields and not known and not any(fnmatchcase(field, each) for each in wild):
                yield f"no field {field} in its search"

    def _queries(self, source: str) -> str:
        found: list[str] = []
        while source in self.sources and len(found) <= len(self.sources):
            found.append(self.sources[source].query)
            source = self.sources[source].extend
        return "\n".join(found)


def searched(url: str) -> str:
    """The search that a link opens; empty where it opens none."""
    address = urlsplit(url)
    found = parse_qs(address.query).get("q", []) if address.path.endswith("/search") else []
    return "".join(found)


def _outside_macros(search: str) -> str:
    """A search without the names of macros: what stands there was chosen, not read of an event."""
    return re.sub("`[^`]*`", "", search)


def _name(token: tuple[str, str]) -> str:
    return token[0]


def _texts(part: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in a part of a definition, with the keys that lead there."""
    if isinstance(part, str):
        yield where, part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _texts(value, (*where, str(key)))
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value, where)
