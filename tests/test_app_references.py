"""Everything that the app's files refer to is there, and what checks that finds what is not."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from lofp_enrich.deploy import package
from lofp_enrich.search.alert.fields import CONTEXT_FIELDS, RULE_FIELDS, TECHNIQUE_FIELDS
from lofp_enrich.search.knowledge import columns
from lofp_enrich.search.splunk.alert_action import ACTION, LOG, SOURCETYPE, read_settings
from tests.app_check import LOOKUPS, MACROS_OF_ES, App
from tests.spl.syntax import Macro, SplError, every, expand, parse

AWKWARD = 'AC&D rule #1: 100% "quoted"'
SAVED = App(package.TEMPLATE).conf("savedsearches")
IMPORT = "LoFP - Import deployed rules"


def test_the_app_refers_to_nothing_that_is_not_there() -> None:
    assert App(package.TEMPLATE).findings() == []


# A small app in which everything fits together, and what becomes of it when something does not.

DEFINITION: dict[str, Any] = {
    "inputs": {
        "in_time": {"type": "input.timerange", "options": {"token": "time"}},
        "in_rule": {"type": "input.text", "options": {"token": "rule", "defaultValue": "*"}},
        "in_from": {
            "type": "input.dropdown",
            "options": {"token": "from", "items": [{"label": "A", "value": "alerts"}]},
        },
    },
    "defaults": {"tokens": {"default": {"chosen": {"value": "*"}}}},
    "visualizations": {
        "list": {
            "type": "splunk.table",
            "dataSources": {"primary": "chained"},
            "context": {"colours": [{"match": "a", "value": "#ffffff"}]},
            "options": {
                "table": "> primary | frameBySeriesNames('Rule', 'n')",
                "columnFormat": {
                    "n": {"data": "> table | seriesByName('n') | matchValue(colours)"}
                },
            },
            "eventHandlers": [
                {
                    "type": "drilldown.setToken",
                    "options": {"tokens": [{"token": "chosen", "key": "row.Rule.value"}]},
                },
                {
                    "type": "drilldown.customUrl",
                    "options": {"url": "/app/small/main?form.rule=$row.Rule.value|u$"},
                },
                {
                    "type": "drilldown.linkToDashboard",
                    "options": {
                        "app": "small",
                        "dashboard": "main",
                        "tokens": [{"token": "rule", "value": "*"}],
                    },
                },
            ],
        },
        "words": {
            "type": "splunk.markdown",
            "options": {"markdown": "Chosen: $chosen$ of $env:user$. [More](https://example.org)"},
        },
        "saved": {"type": "splunk.singlevalue", "dataSources": {"primary": "report"}},
    },
    "dataSources": {
        "base": {
            "type": "ds.search",
            "options": {
                "query": "`lofp_$from|u$` | search rule=$rule|s$ | lofpenrich max=3",
                "queryParameters": {"earliest": "$time.earliest$", "latest": "$time.latest$"},
            },
        },
        "chained": {
            "type": "ds.chain",
            "options": {
                "extend": "base",
                "query": "| stats count AS n BY rule | rename rule AS Rule",
            },
        },
        "report": {"type": "ds.savedSearch", "options": {"ref": "Nightly"}},
    },
    "layout": {
        "type": "grid",
        "globalInputs": ["in_time", "in_rule", "in_from"],
        "structure": [{"item": name, "type": "block"} for name in ("list", "words", "saved")],
    },
}
VIEW = "default/data/ui/views/main.xml"
LINK = "/app/small/main?form.rule=$row.Rule.value|u$"
GOOD = {
    "default/app.conf": "[package]\nid = small\n",
    "default/commands.conf": "[lofpenrich]\n",
    "default/transforms.conf": "[lofp_entries]\nfilename = lofp_entries.csv\n",
    "default/macros.conf": (
        "[lofp_alerts]\ndefinition = index=alerts\ndescription = Alerts\n"
        '[by(1)]\nargs = rule\ndefinition = `lofp_alerts` | search rule="$rule$"\n'
        'description = Of a rule\nvalidation = match("$rule$", "x")\nerrormsg = Name a rule.\n'
        "[tail]\ndefinition = head 5\ndescription = Few\n"
    ),
    "default/searchbnf.conf": (
        "[lofpenrich-command]\nexample1 = `notable` | lofpenrich max=3 | table _time\n"
    ),
    "default/savedsearches.conf": (
        "[Nightly]\ndescription = Of the night\n"
        'search = `by("a, b")` | lookup lofp_entries entry_id AS id OUTPUT statement AS text '
        "| append [| inputlookup lofp_entries | eval n=len(statement)] | `tail`\n"
        "dispatch.earliest_time = -1d\ndispatch.latest_time = now\ndisabled = 1\n"
        "enableSched = 1\ncron_schedule = */5 3-4 * * *\naction.explain = 1\naction.email = 0\n"
        "request.ui_dispatch_app = small\nrequest.ui_dispatch_view = main\n"
    ),
    "default/eventtypes.conf": "[written]\nsearch = sourcetype=written\n",
    "default/tags.conf": "[eventtype=written]\nmodaction_result = enabled\n",
    "default/workflow_actions.conf": (
        "[field]\ntype = link\nlabel = Look\nfields = rule\ndisplay_location = field_menu\n"
        "link.uri = /app/small/main?form.rule=$@field_value$\n"
        "[event]\ntype = link\nlabel = Look\nfields = rule\n"
        "link.uri = /app/small/main?form.rule=$rule$&form.time.earliest=-1d\n"
    ),
    "default/alert_actions.conf": (
        "[explain]\nparam.index = summary\n"
        'param._cam = {"drilldown_uri": "../small/search?q=%60by(%22$sid$%22)%60"}\n'
    ),
    "README/alert_actions.conf.spec": "[explain]\nparam.index = <string>\nparam._cam = <json>\n",
    "README/savedsearches.conf.spec": "action.explain.param.index = <string>\n",
    "default/data/ui/alerts/explain.html": '<x name="action.explain.param.index"></x>\n',
    "bin/explain.py": "",
    "default/data/ui/nav/default.xml": (
        '<nav><view name="main"/><view name="search"/><saved name="Nightly"/>'
        '<a href="/app/small/main?form.rule=x">x</a></nav>'
    ),
    VIEW: (
        '<dashboard version="2"><label>Main</label><definition><![CDATA['
        f"{json.dumps(DEFINITION)}]]></definition></dashboard>"
    ),
}


def check(folder: Path, files: Mapping[str, str]) -> list[str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return App(folder).findings()


def test_a_sound_app_has_no_findings(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == []


BROKEN = [
    # searches
    ("savedsearches.conf", "`tail`", "`tial`", "[Nightly]: no macro tial"),
    ("savedsearches.conf", '"a, b"', "a, b", "[Nightly]: no macro by(2)"),
    (
        "savedsearches.conf",
        "len(statement",
        'len("statement',
        '[Nightly]: " without its other half',
    ),
    ("savedsearches.conf", "len(statement)", "len(statement", "[Nightly]: ( without its )"),
    ("savedsearches.conf", "len(statement)]", "len(statement)", "[Nightly]: [ without its ]"),
    ("savedsearches.conf", "| `tail`", "] | `tail`", "[Nightly]: ] without its ["),
    ("savedsearches.conf", "| `tail`", "|", "[Nightly]: no command after a pipe: nothing"),
    ("savedsearches.conf", "| append", "| appendd", "[Nightly]: no command appendd"),
    ("savedsearches.conf", "n=len(", "n=lenn(", "[Nightly]: eval: no function lenn"),
    ("savedsearches.conf", "lookup lofp_entries e", "lookup lofp_x e", "lookup: no lookup lofp_x"),
    ("savedsearches.conf", "inputlookup lofp_entries", "inputlookup", "no lookup named"),
    ("savedsearches.conf", "entry_id AS", "id AS", "lookup: lofp_entries has no column id"),
    ("savedsearches.conf", "OUTPUT statement", "OUTPUT text", "lofp_entries has no column text"),
    ("savedsearches.conf", "[| inputlookup", "[| where a=1 | inputlookup", ""),
    ("savedsearches.conf", "| `tail`", "| inputlookup lofp_entries", "inputlookup stands behind"),
    ("savedsearches.conf", '`by("a, b")`', "| where a=1", "[Nightly]: where cannot begin a search"),
    ("searchbnf.conf", "max=3", "maximum=3", "example1: lofpenrich: no option maximum"),
    ("searchbnf.conf", "max=3", "max=many", "example1: max="),
    ("searchbnf.conf", "`notable`", "`notables`", "example1: no macro notables"),
    ("eventtypes.conf", "sourcetype=written", "a | ", "[written]: no command after a pipe"),
    ("tags.conf", "=written", "=writtn", "no event type writtn"),
    # macros
    ("macros.conf", "args = rule", "args = rul", "[by(1)]: $rule$ is no argument"),
    (
        "macros.conf",
        "index=alerts",
        "`tail` `lofp_alerts`",
        "[lofp_alerts]: a macro contains itself",
    ),
    ("macros.conf", "description = Few\n", "", "[tail]: no description"),
    ("macros.conf", "errormsg = Name a rule.\n", "", "[by(1)]: validation without errormsg"),
    ("macros.conf", "= match(", "= mach(", "[by(1)]: validation: where: no function mach"),
    ("macros.conf", "index=alerts", "`notable`", "[lofp_alerts]: no macro notable"),
    # saved searches
    ("savedsearches.conf", "*/5 3-4", "*/4 3-4", "[Nightly]: runs 15 times an hour"),
    ("savedsearches.conf", "*/5 3-4", "0-12,50 3-4", "[Nightly]: runs 14 times an hour"),
    ("savedsearches.conf", "disabled = 1", "disabled = 0", "is scheduled and not disabled"),
    ("savedsearches.conf", "dispatch.latest_time = now\n", "", "no dispatch.latest_time"),
    ("savedsearches.conf", "action.explain", "action.explainn", "no alert action explainn"),
    ("savedsearches.conf", "view = main", "view = man", "[Nightly]: no view small/man"),
    # workflow actions
    ("workflow_actions.conf", "type = link", "type = search", "[field]: is no link"),
    ("workflow_actions.conf", "fields = rule\nd", "d", "[field]: no label or fields"),
    ("workflow_actions.conf", "small/main", "small/man", "[field]: no view small/man"),
    ("workflow_actions.conf", "form.rule=$@", "form.rul=$@", "[field]: main has no input for rul"),
    ("workflow_actions.conf", "form.rule=$@", "rule=$@", "rule is no token (form.rule?)"),
    ("workflow_actions.conf", "$rule$", "$rules$", "[event]: $rules$ is not among its fields"),
    ("workflow_actions.conf", "display_location = field_menu\n", "", "is not there in an event's"),
    # alert actions
    ("alert_actions.conf", "param.index", "param.indexx", "param.indexx is only in one of it and"),
    ("alert_actions.conf", "../small/search", "../small/find", "drilldown_uri: no view small/find"),
    ("alert_actions.conf", "%60by", "%60bye", "drilldown_uri: no macro bye(1)"),
    ("alert_actions.conf", '"}', '"', "param._cam: "),
    ("explain.html", "param.index", "param.indexx", "no parameter action.explain.param.indexx"),
    # navigation
    ("nav/default.xml", 'name="main"', 'name="man"', "nav: no view man"),
    ("nav/default.xml", '<view name="main"/>', "", "nav: view main is not in it"),
    ("nav/default.xml", "Nightly", "Daily", "nav: no saved search Daily"),
    ("nav/default.xml", "form.rule", "form.x", "nav: main has no input for x"),
    ("nav/default.xml", "</nav>", "", "nav: "),
    # views
    ("main.xml", 'version="2"', 'version="1.1"', "main.xml: no dashboard of version 2"),
    ("main.xml", "</dashboard>", "", "main.xml: no XML: "),
    ("main.xml", "]]>", ",]]>", "main.xml: definition: no JSON: "),
    ("main.xml", "<label>Main</label>", "", "main.xml: no label"),
    ("main.xml", "splunk.table", "splunk.tablee", "list: no type splunk.tablee"),
    ("main.xml", "input.text", "input.txt", "in_rule: no type input.txt"),
    ("main.xml", "ds.savedSearch", "ds.saved", "report: no type ds.saved"),
    ("main.xml", "drilldown.setToken", "drilldown.set", "list: no type drilldown.set"),
    ("main.xml", '"primary": "chained"', '"primary": "chain"', "list: no data source chain"),
    ("main.xml", '"primary": "chained"', '"primary": "base"', "chained: nothing shows it"),
    ("main.xml", '"extend": "base"', '"extend": "bas"', "chained: no data source bas"),
    ("main.xml", '"extend": "base"', '"extend": "chained"', "chained: extends itself"),
    ("main.xml", '"ref": "Nightly"', '"ref": "Daily"', "report: no saved search Daily"),
    ("main.xml", '"item": "words"', '"item": "word"', "layout: no panel word"),
    ("main.xml", '"item": "words"', '"item": "list"', "layout: words has 0 places"),
    ("main.xml", '"item": "words"', '"item": "list"', "layout: list has 2 places"),
    ("main.xml", '["in_time", ', '["in_tim", "in_time", ', "layout: no input in_tim"),
    ("main.xml", '"value": "alerts"', '"value": "alrts"', "base: no macro lofp_alrts"),
    ("main.xml", "$rule|s$", "$rule$", "base: $rule$ could end the search; write $rule|s$"),
    ("main.xml", "$rule|s$", "$rul|s$", "dataSources.base: no token rul"),
    ("main.xml", "$rule|s$", "x", "nothing uses the token rule"),
    ("main.xml", "$time.latest$", "$time.last$", "no token time.last"),
    ("main.xml", "$chosen$", "$choice$", "visualizations.words: no token choice"),
    ("main.xml", "$chosen$", "$row.Rule.value$", "visualizations.words: no token row.Rule.value"),
    ("main.xml", "$chosen$", "$bas:result.n$", "no token bas:result.n"),
    ("main.xml", "$chosen$", "$base:result.n$", ""),
    (
        "main.xml",
        '"tokens": [{"token": "chosen"',
        '"tokenNamespace": "my", "tokens": [{"token": "x"',
        "",
    ),
    ("main.xml", "$chosen$", "$my:chosen$", "visualizations.words: no token my:chosen"),
    (
        "main.xml",
        "value|u$",
        "value$",
        "list: $row.Rule.value$ in a link; write $row.Rule.value|u$",
    ),
    ("main.xml", LINK, "/app/small/search?q=a%20$row.Rule.value|s|u$", ""),
    ("main.xml", LINK, "/app/small/search?q=a%20$row.Rule.value|u$", "could end the search"),
    ("main.xml", LINK, "/app/small/search?q=a%20$row.Rule.value|s$", "list: $row.Rule.value$ in a"),
    ("main.xml", LINK, "/app/small/search?q=a%20%7C%20%60t$row.n.value|u$%60", ""),
    ("main.xml", LINK, "/app/small/search?q=a%20%7C%20%60u$row.n.value|u$%60", "no macro ux"),
    ("main.xml", LINK, "/app/small/search?q=a%20%7C%20hed%205", "list: no command hed"),
    ("main.xml", "/app/small/main", "/app/small/man", "list: no view small/man"),
    ("main.xml", "form.rule=", "form.role=", "list: main has no input for role"),
    ("main.xml", '"dashboard": "main"', '"dashboard": "man"', "list: no view small/man"),
    ("main.xml", '[{"token": "rule"', '[{"token": "role"', "list: main has no input for role"),
    ("main.xml", "https://example", "http://example", "words: http://example.org is no https"),
    ("main.xml", "(https://example.org)", "(main)", "words: main leads nowhere"),
    ("main.xml", "'Rule', ", "'Role', ", "list: no field Role in its search"),
    ("main.xml", "AS n BY rule | rename rule AS Rule", "AS n BY rule | rename * AS R*", ""),
    ("main.xml", "row.Rule.value", "row.Role.value", "list: no field Role in its search"),
    ("main.xml", "matchValue(colours)", "matchValue(colors)", "list: no colors in its context"),
    ("main.xml", "> primary", "> secondary", "list: no secondary to begin a formula with"),
    ("main.xml", "lofpenrich max=3", "lofpenrich max=0", "base: max="),
    ("main.xml", "| stats count", "| stat count", "chained: no command stat"),
]


@pytest.mark.parametrize(("name", "old", "new", "finding"), BROKEN)
def test_what_is_broken_is_found(
    tmp_path: Path, name: str, old: str, new: str, finding: str
) -> None:
    (path,) = [each for each in GOOD if each.endswith(name)]
    assert old in GOOD[path]
    found = check(tmp_path, {**GOOD, path: GOOD[path].replace(old, new, 1)})
    if finding:
        assert any(finding in each for each in found), found
    else:
        assert found == []


def test_a_script_that_is_gone_is_found(tmp_path: Path) -> None:
    files = {name: text for name, text in GOOD.items() if name != "bin/explain.py"}
    assert check(tmp_path, files) == ["alert_actions.conf: [explain]: no script explain.py"]


class TestSpl:
    MACROS: Mapping[str, Macro] = {
        "plain": Macro("index=x"),
        "two(2)": Macro('a="$a$" b=$b$', ("a", "b")),
        "nested": Macro("`plain` | `two(1, 2)`"),
    }

    @pytest.mark.parametrize(
        ("search", "expected"),
        [
            ("`plain` y", "index=x y"),
            ('`two("1, 2", 3)`', 'a="1, 2" b=3'),
            ("`nested`", 'index=x | a="1" b=2'),
            ('"`plain`"', '"`plain`"'),
            ("`theirs`", "`theirs`"),
        ],
    )
    def test_macros(self, search: str, expected: str) -> None:
        assert expand(search, self.MACROS, {"theirs"}) == expected

    @pytest.mark.parametrize("search", ["`gone`", "`plain(1)`", "`two`", "`two(1)`", "`a b`"])
    def test_macros_that_are_not_there(self, search: str) -> None:
        with pytest.raises(SplError, match=r"no (name of a )?macro"):
            expand(search, self.MACROS)

    @pytest.mark.parametrize(
        ("search", "names"),
        [
            ("index=a b", ["search"]),
            ("search index=a | head 5", ["search", "head"]),
            ('| makeresults | eval a="|[" | stats count', ["makeresults", "eval", "stats"]),
            (
                "a [search b | head 1] | append [| rest x]",
                ["search", "search", "head", "append", "rest"],
            ),
            ("a | foreach b* [eval <<FIELD>>=1]", ["search", "foreach", "eval"]),
            ("a ```a | comment``` | head", ["search", "head"]),
            ("`theirs` | `theirs`", ["search", "`theirs`"]),
        ],
    )
    def test_commands(self, search: str, names: list[str]) -> None:
        assert [command.name for command in every(parse(search))] == names

    def test_words_and_functions_of_a_command(self) -> None:
        command = parse('| eval a=if(b="f(", LEN(\'g(\'), c), "d e"=round (1)')[0]
        assert command.functions == {"if", "len"}
        assert parse('| x a="b c", d')[0].words == ["a=b c", "d"]


# What the shipped searches and links say.


class TestLinks:
    actions = App(package.TEMPLATE).conf("workflow_actions")

    @pytest.mark.parametrize("name", actions)
    def test_reach_triage_with_any_value(self, name: str) -> None:
        # Splunk encodes a value as encodeURIComponent does.
        uri = re.sub(r"\$[^$]+\$", quote(AWKWARD, safe="!'()*-._~"), self.actions[name]["link.uri"])
        address = urlsplit(uri)
        assert (address.path, address.fragment) == ("/app/lofp_enrich/triage", "")
        (values,) = parse_qs(address.query, strict_parsing=True).values()
        assert values == [AWKWARD]

    def test_from_a_response_reach_what_it_wrote(self) -> None:
        stanza = App(package.TEMPLATE).conf("alert_actions")[ACTION]
        uri = json.loads(stanza["param._cam"])["drilldown_uri"]
        sid = quote("scheduler__a&b__RMD5_at_1_2", safe="")
        query = parse_qs(urlsplit(uri.replace("$sid$", sid).replace("$rid$", "3")).query)
        app = App(package.TEMPLATE)
        search = expand(query["q"][0], app.macros)
        assert '(orig_sid="scheduler__a&b__RMD5_at_1_2" orig_rid="3")' in search
        assert f'sourcetype="{SOURCETYPE}"' in search


SHIPPED = App(package.TEMPLATE)
QUERIES = [
    *(
        (f"{view}.{source.id}", source.query)
        for view, studio in SHIPPED.views.items()
        for source in studio.sources.values()
    ),
    *((name, stanza["search"]) for name, stanza in SHIPPED.conf("savedsearches").items()),
    *((name, stanza["definition"]) for name, stanza in SHIPPED.conf("macros").items()),
]
"""Every search, macro and report of the app, by its name."""


class TestPages:
    """What a stand-in does not show: what Splunk documents, held for all pages and reports."""

    app = SHIPPED

    @pytest.mark.parametrize("view", SHIPPED.views)
    def test_chains_have_neither_the_command_nor_a_large_lookup(self, view: str) -> None:
        # They run in splunkd itself, on what is still a preview.
        chains = [
            expand(each.query, self.app.macros)
            for each in self.app.views[view].sources.values()
            if each.type == "ds.chain"
        ]
        looked = {name for query in chains for name in re.findall(r"lookup[^|]*?(lofp_\w+)", query)}
        assert looked <= {"lofp_attack", "lofp_local"}
        assert not any("lofpenrich" in query for query in chains)

    @pytest.mark.parametrize("view", SHIPPED.views)
    def test_a_click_does_one_thing(self, view: str) -> None:
        # Splunk 9.4 does not know handlers of single columns: all of a table's would fire.
        for name, panel in self.app.views[view].panels.items():
            handlers = panel.get("eventHandlers", [])
            assert len(handlers) <= 1, name
            assert not any("fields" in each.get("options", {}) for each in handlers), name

    @pytest.mark.parametrize(("name", "query"), QUERIES)
    def test_each_field_is_sorted_by_a_sign_of_its_own(self, name: str, query: str) -> None:
        # A minus that stands alone is that of all fields behind it.
        for fields in re.findall(r"\| *sort +(?:\d+ +)?([^|]*)", query):
            assert not re.search(r"[+-](?=\s)", fields), name
            signed = [each[0] in "+-" for each in re.split(r",\s*|\s+", fields.strip())]
            assert len(set(signed)) == 1, name

    @pytest.mark.parametrize(("name", "query"), QUERIES)
    def test_what_is_typed_is_no_pattern_of_like(self, name: str, query: str) -> None:
        # There _ and % are wildcards, and what a backslash is nobody says.
        assert not re.search(r"like\([^|]*\$[\w:]+\|s\$", query, re.IGNORECASE), name

    @pytest.mark.parametrize(("name", "query"), QUERIES)
    def test_no_digest_that_fips_forbids(self, name: str, query: str) -> None:
        assert not re.search(r"\b(md5|sha1)\(", query), name

    def test_the_internal_index_is_read_by_sourcetype(self) -> None:
        internal = [query for _, query in QUERIES if "index=_internal" in query]
        assert len(internal) == 1
        terms = internal[0].partition("|")[0]
        assert "source=" not in terms
        assert len(re.findall("sourcetype=", terms)) == 3

    def test_pages_stand_in_no_other_apps_list(self) -> None:
        meta = (self.app.folder / "metadata" / "default.meta").read_text(encoding="utf-8")
        stanza = meta[meta.index("[views]") :].partition("\n\n")[0]
        assert "export = none" in stanza
        for name, action in self.app.conf("workflow_actions").items():
            # A link to a page of this app needs no export.
            assert action["link.uri"].startswith("/app/lofp_enrich/"), name

    def test_the_catalogues_panels_have_the_same_filters(self) -> None:
        catalogue = self.app.views["catalogue"].sources
        panels = [catalogue[name].query for name in ("list", "numbers", "tactics", "products")]
        (start,) = {query[: query.index("| where $tactic|s$") + 9] for query in panels}
        assert start.startswith("| inputlookup lofp_entries\n")
        rest = {query[len(start) :].partition("\n")[0] for query in panels}
        assert len(rest) == 1


class TestTriage:
    app = App(package.TEMPLATE)
    view = app.views["triage"]

    @pytest.mark.parametrize("kind", ["process", "signer", "login", "change"])
    def test_looks_up_in_raw_events_or_a_data_model(self, kind: str) -> None:
        macros = {name: stanza["definition"] for name, stanza in self.app.conf("macros").items()}
        name = f"lofp_look_{kind}"
        assert macros[name] == f"`{name}_raw`"
        assert macros[f"{name}_raw"].startswith("search `lofp_logs` (")
        assert re.fullmatch(r'from datamodel:"\w+\.\w+"', macros[f"{name}_cim"])
        for chosen in (f"{name}_raw", f"{name}_cim"):
            search = f'| `{chosen}` | search ("a" OR host="a") | head 100 | `{name}_shown`'
            assert self.app.search(search) == []

    def test_a_look_up_is_bounded(self) -> None:
        (url,) = [url for panel, url in self.view.urls() if panel == "lookup_table"]
        query = parse_qs(urlsplit(url).query)
        assert set(query) == {"q", "earliest", "latest"}
        assert [each.split()[0] for each in query["q"][0].split(" | ")[1:3]] == ["search", "head"]
        assert " | head 100 | " in query["q"][0]


# Conf files can't import, so macros and workflow actions repeat names of the table of fields. They
# are not generated: that takes marks inside files that an admin reads, a step that somebody
# forgets, and a test that it was taken, which is the one below. What a list leaves out or adds is
# named here with its reason; all else must be the table's names in the table's order.

NOT_TECHNIQUES_ALONE = {
    # JSON, names of Sysmon's rules and tags hold other things, too; ATLAS is not in the catalogue.
    *("action.correlationsearch.annotations", "annotations", "RuleName", "tags", "tags{}"),
    *("rule.tags", "annotations.mitre_atlas.mitre_technique_id"),
    # A name with a blank has no place in a list with blanks.
    "MITRE Techniques",
}
NOT_RULES_ELSEWHERE = {"source", "title", "signature", "rule.description", "rule_id"}
"""Fields that hold something else in events that are no alerts."""
IN_RULE_TITLE = {
    *("rule_title", "rule_name", "savedsearch_name", "RuleTitle", "DetectName", "alert_name"),
    "title",
}
"""What `lofp_alert_json` has as rule_title, of which `lofp_alert_fields` took the first."""
SHOWN = (
    *("urgency", "severity", "status", "owner", "disposition", "risk_object", "risk_object_type"),
    *("risk_score", "dvc", "orig_sourcetype", "query", "signature_id"),
    *("signer", "alert_time", "alert_on", "alert_by", "finding_id", "lofp_read"),
)
"""What an analyst wants to see besides, and what Triage looks things up by."""


def without(names: Iterable[str], left_out: Container[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in left_out]


class TestRepeatedNames:
    macros = App(package.TEMPLATE).conf("macros")
    actions = App(package.TEMPLATE).conf("workflow_actions")

    def listed(self, macro: str, pattern: str) -> list[str]:
        (found,) = re.findall(pattern, self.macros[macro]["definition"])
        return [name.strip().strip("'") for name in found.split(",")]

    @pytest.mark.parametrize(
        ("action", "names"),
        [
            (
                "lofp_technique",
                ["lofp_technique", *without(TECHNIQUE_FIELDS, NOT_TECHNIQUES_ALONE)],
            ),
            ("lofp_rule", ["orig_search_name", *without(RULE_FIELDS, NOT_RULES_ELSEWHERE)]),
        ],
    )
    def test_of_workflow_actions(self, action: str, names: list[str]) -> None:
        assert re.split(r"[,\s]+", self.actions[action]["fields"]) == names

    def test_of_what_a_click_packs(self) -> None:
        definition = self.macros["lofp_packed"]["definition"]
        packed = re.findall(r"str\((\w+)\)", definition.partition("tojson ")[2])
        # What has a dot would be nested; techniques, rules and callers of such names come first.
        flat = [name for name in (*RULE_FIELDS, *CONTEXT_FIELDS) if "." not in name]
        first = ["rule_title", "technique", "actor_id", "invoked_by"]
        assert packed == [*first, *without(flat, IN_RULE_TITLE), *SHOWN]

    def test_of_where_techniques_are_counted(self) -> None:
        pattern = r'alert_ids=mvjoin\(mvappend\((.*?)\), " "\)'
        assert self.listed("lofp_alert_fields", pattern) == list(TECHNIQUE_FIELDS)

    def test_of_where_a_rule_is_named(self) -> None:
        named = self.listed("lofp_alert_fields", r"alert_rule=mvindex\(coalesce\((.*?)\), 0\)")
        # The title reads best; source is a file name unless nothing else names the rule; an id, the
        # last resort of the command, is nothing to read.
        first = ["rule_title", "rule_name"]
        rest = without(RULE_FIELDS, {*first, "source", "rule_id"})
        assert named == [*first, *rest, "source"]


class TestAlertAction:
    stanza = App(package.TEMPLATE).conf("alert_actions")[ACTION]

    def test_runs_on_both_of_splunks_pythons(self) -> None:
        assert self.stanza["python.version"] == "python3"
        assert self.stanza["python.required"].split(",") == ["3.9", "3.13"]
        assert self.stanza["payload_format"] == "json"

    def test_defaults_are_those_of_the_code(self) -> None:
        shipped = {key[6:]: value for key, value in self.stanza.items() if key[:6] == "param."}
        assert read_settings(shipped) == read_settings({}) == read_settings(None)

    def test_defaults_are_in_the_spec(self) -> None:
        spec = (package.TEMPLATE / "README" / "alert_actions.conf.spec").read_text("utf-8")
        for key, value in self.stanza.items():
            if key.startswith("param.") and key != "param._cam":
                part = spec.partition(f"\n{key} =")[2].partition("\nparam.")[0]
                assert f"* Default: {value or 'empty'}\n" in part

    def test_is_an_adaptive_response(self) -> None:
        cam = json.loads(self.stanza["param._cam"])
        assert {"category", "task", "subject", "technology", "drilldown_uri"} <= set(cam)
        assert cam["supports_adhoc"] is True

    def test_log_is_where_splunk_looks(self) -> None:
        assert f"{ACTION}_modalert.log" == LOG


class TestSavedSearches:
    @pytest.mark.parametrize("name", SAVED)
    def test_runs_only_when_somebody_wants_it(self, name: str) -> None:
        assert SAVED[name]["enableSched"] == "0" or SAVED[name]["disabled"] == "1"

    @pytest.mark.parametrize("name", SAVED)
    def test_writes_nothing_but_the_deployed_rules(self, name: str) -> None:
        text = expand(SAVED[name]["search"], App(package.TEMPLATE).macros, MACROS_OF_ES)
        commands = every(parse(text))
        writing = {
            "outputlookup",
            "collect",
            "sendemail",
            "outputcsv",
            "delete",
            "map",
            "sendalert",
        }
        written = [command.words for command in commands if command.name in writing]
        assert written == ([["override_if_empty=false", "lofp_deployed"]] if name == IMPORT else [])

    def test_import_writes_the_columns_of_rules_and_the_statement(self) -> None:
        *_, table, output = parse(SAVED[IMPORT]["search"])
        assert table.name == "table"
        assert (
            tuple(table.words) == (*columns.RULES, "statement") == tuple(LOOKUPS["lofp_deployed"])
        )
        # An empty answer of splunkd leaves the rules of yesterday.
        assert output.words == ["override_if_empty=false", "lofp_deployed"]

    def test_import_runs_daily_once_it_is_enabled(self) -> None:
        minute, hour, *rest = SAVED[IMPORT]["cron_schedule"].split()
        assert minute.isdigit()
        assert hour.isdigit()
        assert rest == ["*"] * 3

    @pytest.mark.parametrize(
        ("statement", "kept"),
        [
            ("None identified.", False),
            ("Unknown", False),
            ("No false positives have been identified at this time.", False),
            ("no known false positives", False),
            ("N/A", False),
            ("", False),
            ("None of the backup agents is known to do this, but AcmeBackup does.", True),
            ("Unlikely. Except for vulnerability scanners.", True),
            ("Administrators.", True),
        ],
    )
    def test_import_leaves_out_statements_that_say_nothing(
        self, statement: str, kept: bool
    ) -> None:
        (pattern,) = re.findall(
            r'if\(match\(statement, "(\(\?i\)[^"]*)"\), ""', SAVED[IMPORT]["search"]
        )
        assert (re.search(pattern, statement) is None) == kept

    def test_import_makes_cells_safe_as_the_converter_does(self) -> None:
        (pattern,) = re.findall(r"if\(match\('<<FIELD>>', \"([^\"]*)\"\)", SAVED[IMPORT]["search"])
        for text in ("=1+1", "+1", "-x", "@a", "'=1", "''-x", "a=b", "'a", "", "Ā"):
            made_safe = "'" + text if re.search(pattern, text) else text
            assert made_safe == columns.to_cell(text)
            assert columns.from_cell(made_safe) == text

    def test_import_takes_techniques_out_of_annotations(self) -> None:
        (pattern,) = re.findall(
            r'rex field=annotations max_match=50 "([^"]*)"', SAVED[IMPORT]["search"]
        )
        found = re.findall(
            pattern.replace("(?<", "(?P<"),
            '{"mitre_attack":["T1059.001","T1078"],"atlas":["AML.T0051.000"],"x":["TA0002","XT10591"]}',
        )
        assert found == ["T1059.001", "T1078", "AML.T0051.000"]


def test_links_are_decoded_as_they_were_encoded() -> None:
    assert unquote(quote(AWKWARD, safe="")) == AWKWARD


def test_every_site_that_a_page_leads_to_is_among_the_trusted_ones_of_the_documents() -> None:
    views = (SHIPPED.folder / "default" / "data" / "ui" / "views").glob("*.xml")
    sites = {
        site
        for path in views
        for site in re.findall(r"https://([\w.-]+)", path.read_text(encoding="utf-8"))
    }
    rules = "github.com"
    docs = (Path(__file__).parent.parent / "docs" / "dashboards.md").read_text(encoding="utf-8")
    told = re.findall(r"dashboards_trusted_domain\.\w+ = (\S+)", docs)
    assert set(told) == sites | {rules}
