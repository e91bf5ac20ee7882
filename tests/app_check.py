"""Checks that everything the app's static files refer to exists: a finding a line, or none.

Searches, macros, lookups and their columns, options of the command, tokens, drilldowns, navigation,
panels and their data, parameters of the alert action.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from lofp_enrich.search.answer import options
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge import columns
from tests.spl.syntax import (
    COMMANDS,
    FUNCTIONS,
    GENERATING,
    Command,
    SplError,
    every,
    expand,
    macros_of,
    parse,
)
from tests.splunkd.apps import is_true, read_conf
from tests.studio import Studio, tokens_in

OURS = "lofpenrich"
LOOKUPS: Mapping[str, Collection[str]] = {
    "lofp_attack": columns.ATTACK,
    "lofp_deployed": (*columns.RULES, "statement"),
    "lofp_entries": columns.ENTRIES,
    "lofp_local": columns.LOCAL,
    "lofp_meta": columns.META,
    "lofp_rules": columns.RULES,
    "lofp_techniques": columns.TECHNIQUES,
}
"""Lookup definition -> columns."""
VIEWS_OF_SPLUNK = frozenset("search reports alerts dashboards datasets job_manager".split())
MACROS_OF_ES = frozenset({"notable"})
NEEDS_ES = "`lofp_finding("
"""How the one macro is called that cannot do without Enterprise Security: an event_id exists only
behind that macro."""
ACTIONS_OF_SPLUNK = frozenset("email logevent lookup populate_lookup rss script webhook".split())

_STARTERS = frozenset("inputlookup makeresults rest tstats".split())
"""Commands that go on with nothing of what came before them."""
_PERCENTILE = re.compile(r"(?:exact|upper)?p(?:erc)?\d+(?:\.\d+)?")
_TOKEN_VALUE = "x"
_RUNS_AN_HOUR = 12


class App:
    """The static files of an app in a folder; `findings` is what does not fit together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._confs: dict[str, dict[str, dict[str, str]]] = {}
        self.name = self.conf("app").get("package", {}).get("id", "")
        self.macros = macros_of(self.conf("macros"))
        self.lookups = self.conf("transforms")
        self.views: dict[str, Studio] = {}
        self._broken: list[str] = []
        for path in sorted((folder / "default" / "data" / "ui" / "views").glob("*.xml")):
            try:
                self.views[path.stem] = Studio.read(path)
            except ValueError as error:
                self._broken.append(f"{path.name}: {error}")

    def conf(self, name: str) -> dict[str, dict[str, str]]:
        """A .conf file of the app as stanzas; none where it has no such file."""
        if name not in self._confs:
            self._confs[name] = read_conf(self.folder / "default" / f"{name}.conf")
        return self._confs[name]

    def findings(self) -> list[str]:
        """A line for every reference that leads nowhere and for every search that could not run."""
        found = [
            *self._broken,
            *self._macros(),
            *self._assistant(),
            *self._saved_searches(),
            *self._tools(),
            *self._event_types(),
            *self._workflow_actions(),
            *self._alert_actions(),
            *self._navigation(),
            *(
                f"{name}.xml: {each}"
                for name, view in self.views.items()
                for each in self._view(view)
            ),
        ]
        return list(dict.fromkeys(found))

    # Searches

    def search(
        self, text: str, *, foreign: Collection[str] = (), chained: bool = False
    ) -> list[str]:
        """What is wrong with a search of this app; a chained one goes on where another ended."""
        if NEEDS_ES in text:
            foreign = MACROS_OF_ES
        try:
            text = expand(text, self.macros, foreign)
            pipeline = parse("|" + text.strip().lstrip("|") if chained else text)
        except SplError as error:
            return [str(error)]
        found = []
        if text.lstrip().startswith("|") and not chained:
            first = pipeline[0].name
            if first not in GENERATING and not first.startswith("`"):
                found.append(f"{first} cannot begin a search")
        for command in pipeline[0 if chained else 1 :]:
            appends = {"append=t", "append=true"} & set(command.words)
            if command.name in _STARTERS and not appends:
                found.append(f"{command.name} stands behind a pipe")
        return found + [each for command in every(pipeline) for each in self._command(command)]

    def _command(self, command: Command) -> Iterator[str]:
        known = command.name in COMMANDS or command.name in self.conf("commands")
        if not known and not command.name.startswith("`"):
            yield f"no command {command.name}"
        for name in sorted(command.functions - FUNCTIONS):
            if not _PERCENTILE.fullmatch(name):
                yield f"{command.name}: no function {name}"
        if command.name == OURS:
            yield from _options(command)
        if command.name in ("lookup", "inputlookup", "outputlookup"):
            yield from self._lookup(command)

    def _lookup(self, command: Command) -> Iterator[str]:
        words = command.words
        start = 0
        while start < len(words) and "=" in words[start]:
            start += 1
        name, rest = (words[start : start + 1] or [""])[0], words[start + 1 :]
        if name not in self.lookups:
            yield f"{command.name}: no lookup {name or 'named'}"
            return
        if command.name != "lookup":
            return
        known = LOOKUPS.get(name, ())
        # `a AS b` has the lookup's column first, before and after OUTPUT alike.
        skip = False
        for word in rest:
            if word.upper() == "AS":
                skip = True
            elif word.upper() not in ("OUTPUT", "OUTPUTNEW"):
                if not skip and word not in known:
                    yield f"lookup: {name} has no column {word}"
                skip = False

    # Files

    def _macros(self) -> Iterator[str]:
        for name, macro in self.macros.items():
            where = f"macros.conf: [{name}]"
            stanza = self.conf("macros")[name]
            used = set(re.findall(r"\$([\w-]+)\$", macro.definition + stanza.get("validation", "")))
            for token in sorted(used - set(macro.arguments)):
                yield f"{where}: ${token}$ is no argument"
            if not stanza.get("description"):
                yield f"{where}: no description"
            if "validation" in stanza:
                if not stanza.get("errormsg"):
                    yield f"{where}: validation without errormsg"
                for each in self.search(f"| makeresults | where {stanza['validation']}"):
                    yield f"{where}: validation: {each}"
            definition = macro([_TOKEN_VALUE] * len(macro.arguments))
            needs = MACROS_OF_ES if f"`{name}".startswith(NEEDS_ES) else ()
            chained = _is_command(definition, self)
            if definition.partition(" ")[0] in _STARTERS:
                definition, chained = f"| {definition}", False
            for each in self.search(definition, foreign=needs, chained=chained):
                yield f"{where}: {each}"

    def _assistant(self) -> Iterator[str]:
        for name, stanza in self.conf("searchbnf").items():
            for key, text in stanza.items():
                if key.startswith("example"):
                    for each in self.search(text, foreign=MACROS_OF_ES):
                        yield f"searchbnf.conf: [{name}]: {key}: {each}"

    def _saved_searches(self) -> Iterator[str]:
        actions = {*self.conf("alert_actions"), *ACTIONS_OF_SPLUNK}
        for name, stanza in self.conf("savedsearches").items():
            where = f"savedsearches.conf: [{name}]"
            for each in self.search(stanza.get("search", "")):
                yield f"{where}: {each}"
            for key in (
                "description",
                "dispatch.earliest_time",
                "dispatch.latest_time",
                "disabled",
            ):
                if not stanza.get(key):
                    yield f"{where}: no {key}"
            runs = _runs_an_hour(stanza.get("cron_schedule", ""))
            if runs > _RUNS_AN_HOUR:
                yield f"{where}: runs {runs} times an hour"
            if is_true(stanza.get("enableSched")) and not is_true(stanza.get("disabled")):
                yield f"{where}: is scheduled and not disabled"
            for key in stanza:
                action = re.match(r"action\.(\w+)", key)
                if action and action[1] not in actions:
                    yield f"{where}: no alert action {action[1]}"
            app = stanza.get("request.ui_dispatch_app", self.name)
            view = stanza.get("request.ui_dispatch_view", "search")
            if app != self.name or view not in {*self.views, *VIEWS_OF_SPLUNK}:
                yield f"{where}: no view {app}/{view}"

    def _tools(self) -> Iterator[str]:
        for name, stanza in self.conf("tools").items():
            kind, _, tool = name.partition(":")
            if kind != "savedsearches" or not re.fullmatch(r"[a-z][a-z0-9_]*", tool):
                yield f"tools.conf: [{name}]: no savedsearches:name_of_a_tool"
            if stanza.get("search") not in self.conf("savedsearches"):
                yield f"tools.conf: [{name}]: no search {stanza.get('search')}"
            if not stanza.get("description"):
                yield f"tools.conf: [{name}]: no description"

    def _event_types(self) -> Iterator[str]:
        for name, stanza in self.conf("eventtypes").items():
            for each in self.search(stanza.get("search", "")):
                yield f"eventtypes.conf: [{name}]: {each}"
        for name in self.conf("tags"):
            kind, _, value = name.partition("=")
            if kind == "eventtype" and unquote(value) not in self.conf("eventtypes"):
                yield f"tags.conf: [{name}]: no event type {unquote(value)}"

    def _workflow_actions(self) -> Iterator[str]:
        for name, stanza in self.conf("workflow_actions").items():
            where = f"workflow_actions.conf: [{name}]"
            if stanza.get("type") != "link" or any(key.startswith("search.") for key in stanza):
                yield f"{where}: is no link: a value in a search string is not escaped"
            if not stanza.get("label") or not stanza.get("fields"):
                yield f"{where}: no label or fields"
            uri = stanza.get("link.uri", "")
            fields = set(re.split(r"[,\s]+", stanza.get("fields", "")))
            for value in re.findall(r"\$([^$]+)\$", uri):
                menu = stanza.get("display_location", "both")
                if value.startswith("@") and menu != "field_menu":
                    yield f"{where}: ${value}$ is not there in an event's menu"
                if not value.startswith("@") and value not in fields:
                    yield f"{where}: ${value}$ is not among its fields"
            for each in self._link(uri):
                yield f"{where}: {each}"

    def _alert_actions(self) -> Iterator[str]:
        specs = {
            path.name.partition(".")[0]: path.read_text(encoding="utf-8")
            for path in sorted((self.folder / "README").glob("*.conf.spec"))
        }
        for name, stanza in self.conf("alert_actions").items():
            where = f"alert_actions.conf: [{name}]"
            script = stanza.get("alert.execute.cmd", f"{name}.py")
            if not (self.folder / "bin" / script).is_file():
                yield f"{where}: no script {script}"
            given = {key[6:] for key in stanza if key.startswith("param.") and key != "param._cam"}
            for spec, pattern in (
                ("alert_actions", r"^param\.(\w+) ="),
                ("savedsearches", rf"^action\.{name}\.param\.(\w+) ="),
            ):
                told = set(re.findall(pattern, specs.get(spec, ""), re.MULTILINE)) - {"_cam"}
                for each in sorted(given ^ told):
                    yield f"{where}: param.{each} is only in one of it and {spec}.conf.spec"
            form = self.folder / "default" / "data" / "ui" / "alerts" / f"{name}.html"
            asked = re.findall(r'name="([^"]*)"', form.read_text(encoding="utf-8"))
            for each in asked:
                if each not in {f"action.{name}.param.{param}" for param in given}:
                    yield f"{form.name}: no parameter {each}"
            if "param._cam" in stanza:
                try:
                    drilldown = json.loads(stanza["param._cam"]).get("drilldown_uri", "")
                except ValueError as error:
                    yield f"{where}: param._cam: {error}"
                else:
                    for each in self._link(re.sub(r"^\.\./", "/app/", drilldown)):
                        yield f"{where}: drilldown_uri: {each}"

    def _navigation(self) -> Iterator[str]:
        path = self.folder / "default" / "data" / "ui" / "nav" / "default.xml"
        if not path.exists():
            return
        try:
            nav = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        except ElementTree.ParseError as error:
            yield f"nav: {error}"
            return
        shown = [each.get("name", "") for each in nav.iter("view")]
        for name in shown:
            if name not in {*self.views, *VIEWS_OF_SPLUNK}:
                yield f"nav: no view {name}"
        for name in self.views:
            if name not in shown and not any(each.get("source") for each in nav.iter("view")):
                yield f"nav: view {name} is not in it"
        for each in nav.iter("saved"):
            if each.get("name") not in self.conf("savedsearches"):
                yield f"nav: no saved search {each.get('name')}"
        for each in nav.iter("a"):
            yield from (f"nav: {found}" for found in self._link(each.get("href", "")))

    def _view(self, view: Studio) -> Iterator[str]:
        yield from view.findings()
        for source, query in view.searches():
            if source.type in ("ds.search", "ds.chain"):
                for each in self.search(query, chained=source.type == "ds.chain"):
                    yield f"{source.id}: {each}"
            elif source.ref not in self.conf("savedsearches"):
                yield f"{source.id}: no saved search {source.ref}"
        for where, url in view.urls():
            for each in self._link(url):
                yield f"{where}: {each}"
        for where, app, name, tokens in view.dashboard_links():
            yield from (f"{where}: {each}" for each in self._target(app, name, tokens))

    # Links

    def _link(self, url: str) -> Iterator[str]:
        """What is wrong with a link: to a view of this app, or out into the world."""
        address = urlsplit(url)
        if address.scheme or url.startswith("$"):
            if address.scheme not in ("", "https"):
                yield f"{url} is no https address"
            return
        parts = address.path.strip("/").split("/")
        if parts[0] != "app" or len(parts) != 3:
            yield f"{url} leads nowhere"
            return
        query = parse_qs(address.query, keep_blank_values=True)
        if parts[2] == "search" and parts[1] in (self.name, "search"):
            for text in query.get("q", []):
                for each in self._chosen_macros(text):
                    yield from self.search(re.sub(r"\$[^$\s]+\$", _TOKEN_VALUE, each))
            return
        tokens = [name[5:] for name in query if name.startswith("form.")]
        for name in query.keys() - {f"form.{token}" for token in tokens}:
            if name not in ("earliest", "latest", "tab", "hideEdit", "hideFilters"):
                yield f"{url}: {name} is no token (form.{name}?)"
        yield from self._target(parts[1], parts[2], tokens)

    def _chosen_macros(self, text: str) -> list[str]:
        """The search once for each macro that a token in a name may choose, the first one's choice
        being that of all others; once where none has a token."""
        token = re.search(r"`(\w+)(\$[^$\s]+\$)(\w*)`", text)
        if not token:
            return [text]
        before, name, after = token.groups()
        stands = re.compile(rf"{before}([a-z]+){after}")
        chosen = [match[1] for match in map(stands.fullmatch, self.macros) if match]
        if not chosen:
            return [text.replace(name, _TOKEN_VALUE)]
        within = re.compile(rf"(?<=`{before}){re.escape(name)}(?=\w*`)")
        return [within.sub(each, text) for each in chosen]

    def _target(self, app: str, view: str, tokens: Collection[str]) -> Iterator[str]:
        if app != self.name or view not in self.views:
            yield f"no view {app}/{view}"
            return
        inputs = self.views[view].input_tokens
        for token in tokens:
            if token.partition(".")[0] not in inputs:
                yield f"{view} has no input for {token}"


def _options(command: Command) -> Iterator[str]:
    given: dict[str, str] = {}
    for word in command.words:
        name, equals, value = word.partition("=")
        if not equals or name not in options.NAMES:
            yield f"{OURS}: no option {name}"
        elif not tokens_in(value) and value != _TOKEN_VALUE:
            given[name] = value
    try:
        options.parse(given)
    except SearchError as error:
        yield str(error)


def _is_command(definition: str, app: App) -> bool:
    """Whether a macro stands for a command behind a pipe, and not for the beginning of a search."""
    first = definition.split()[0] if definition.strip() else ""
    return first in COMMANDS or first in app.conf("commands")


def _runs_an_hour(cron: str) -> int:
    minutes: set[int] = set()
    for part in cron.split()[0].split(",") if cron.strip() else []:
        base, _, step = part.partition("/")
        low, _, high = base.partition("-")
        start, end = (0, 59) if low == "*" else (int(low), int(high or (59 if step else low)))
        minutes.update(range(start, end + 1, int(step or 1)))
    return len(minutes)
