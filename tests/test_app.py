"""The app's static files: what Splunk reads that no test can run."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from lofp_enrich import __version__
from lofp_enrich.cli.main import main
from lofp_enrich.deploy import package
from lofp_enrich.search.answer import options
from lofp_enrich.search.knowledge import columns
from tests.conftest import CHECKOUT
from tests.splunkd.apps import read_conf
from tests.splunkd.command_line import find_command

APP = package.TEMPLATE
DEFAULT = APP / "default"
CONFS = sorted([*DEFAULT.glob("*.conf"), *(APP / "metadata").glob("*.meta")])
LOOKUPS = {
    "lofp_attack": columns.ATTACK,
    "lofp_deployed": columns.DEPLOYED,
    "lofp_entries": columns.ENTRIES,
    "lofp_evidence": columns.EVIDENCE,
    "lofp_local": columns.LOCAL,
    "lofp_meta": columns.META,
    "lofp_ranking": columns.RANKING,
    "lofp_rules": columns.RULES,
    "lofp_software": columns.SOFTWARE,
    "lofp_techniques": columns.TECHNIQUES,
}


def options_in(search: str) -> dict[str, str]:
    """The options of `lofpenrich` in a search, as Splunk hands them to the command."""
    line = find_command(search, {"lofpenrich"})
    return dict(argument.partition("=")[::2] for argument in line.args)


@pytest.mark.parametrize("path", CONFS, ids=lambda path: path.name)
def test_conf_files_are_clean(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert "\r" not in text
    assert "\t" not in text
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)
    seen: set[tuple[str, str]] = set()
    stanza = ""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("["):
            stanza, key = line, ""
        else:
            key = line.partition("=")[0].strip()
        if line and not line.startswith("#"):
            assert key or line.endswith("]")
            assert (stanza, key) not in seen, f"{line} stands twice"
            seen.add((stanza, key))


class TestAppConf:
    conf = read_conf(DEFAULT / "app.conf")
    manifest = json.loads((APP / "app.manifest").read_text(encoding="utf-8"))

    def test_name_is_the_same_everywhere(self) -> None:
        names = {
            self.conf["package"]["id"],
            self.conf["id"]["name"],
            self.manifest["info"]["id"]["name"],
        }
        assert names == {package.APP}

    def test_version_is_the_packages_everywhere(self) -> None:
        versions = {
            self.conf["launcher"]["version"],
            self.conf["id"]["version"],
            self.manifest["info"]["id"]["version"],
        }
        assert versions == {__version__}

    def test_what_it_says_of_itself_is_the_same_everywhere(self) -> None:
        assert self.manifest["info"]["title"] == self.conf["ui"]["label"]
        assert self.manifest["info"]["description"] == self.conf["launcher"]["description"]
        assert self.manifest["info"]["author"][0]["name"] == self.conf["launcher"]["author"]
        assert 5 <= len(self.conf["ui"]["label"]) <= 80
        assert len(self.conf["launcher"]["description"]) <= 200

    def test_is_visible_only_with_something_to_see(self) -> None:
        visible = self.conf["ui"]["is_visible"] == "true"
        assert visible == (DEFAULT / "data" / "ui" / "nav" / "default.xml").exists()

    def test_files_that_the_manifest_names_are_in_the_app(self, built_app: Path) -> None:
        info = self.manifest["info"]
        assert (built_app / info["license"]["text"]).is_file()
        assert (built_app / info["releaseNotes"]["text"]).is_file()


class TestCommand:
    conf = read_conf(DEFAULT / "commands.conf")["lofpenrich"]

    def test_runs_on_both_of_splunks_pythons(self) -> None:
        assert self.conf["python.version"] == "python3"
        assert self.conf["python.required"].split(",") == ["3.9", "3.13"]

    def test_script_is_there_and_where_it_runs_is_left_open(self) -> None:
        assert (APP / "bin" / self.conf["filename"]).is_file()
        assert set(self.conf) == {"chunked", "filename", "python.version", "python.required"}


VERDICT = re.compile(
    r"\b(strong|stronger|strongest|strongly|confident|confidence|safely|safe to|surely|certainly"
    r"|(good|best) (match|matches|harmless|explanation|explanations)|(likely|probably) harmless"
    r"|(close|closes|closing) (it|them|this|these|those|the|an|any|all|as|first|alerts?|findings?)"
    r"|can be closed|check and close|false alarms?|best first|score)\b",
    re.IGNORECASE,
)
"""What makes of an explanation that is near one that is right. People close findings, and Coverage
counts what they closed; nothing of ours says to."""
QUESTION = "question to check, never a verdict"


def said_to_people() -> Iterator[tuple[str, str]]:
    """(where, text) of all that an analyst or an admin reads, names of fields and options apart."""
    shipped = CHECKOUT / "splunk_app"
    docs = [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")]
    for path in (*sorted(p for p in shipped.rglob("*") if p.is_file()), *sorted(docs)):
        if path.suffix != ".png":
            yield str(path.relative_to(CHECKOUT)), path.read_text(encoding="utf-8")
    for name, command in main.commands.items():
        helps = (getattr(each, "help", "") or "" for each in command.params)
        yield f"lofp-enrich {name}", " ".join((command.help or "", *helps))


@pytest.mark.parametrize(
    ("text", "banned"),
    [
        ("Findings with strong harmless explanations", True),
        ("Close them first.", True),
        ("alerts that have a good harmless explanation", True),
        ("Score at least", True),
        ("closed as harmless, lofp_score, min_score", False),
        ("the nearest first; a closed finding; close to noon", False),
    ],
)
def test_what_makes_a_verdict_of_nearness(text: str, banned: bool) -> None:
    assert bool(VERDICT.search(text)) is banned


def test_nothing_that_people_read_makes_a_verdict_of_nearness() -> None:
    found = {
        where: [each[0] for each in VERDICT.finditer(text)] for where, text in said_to_people()
    }
    # In the names --min-score and (prefix)score, where it is said what they measure.
    allowed = {
        "splunk_app/default/searchbnf.conf": ["score"],
        "README.md": ["score", "score"],
    }
    assert {where: words for where, words in found.items() if words} == allowed


@pytest.mark.parametrize(
    "path",
    [
        *(f"splunk_app/default/data/ui/views/{v}.xml" for v in ("triage", "catalogue", "coverage")),
        *("splunk_app/default/data/ui/alerts/lofp_explain.html", "splunk_app/README.md"),
        *("splunk_app/default/savedsearches.conf", "splunk_app/default/searchbnf.conf"),
        *("README.md", "docs/dashboards.md", "docs/enterprise-security.md"),
    ],
)
def test_a_page_that_shows_explanations_says_what_they_are(path: str) -> None:
    text = " ".join((CHECKOUT / path).read_text(encoding="utf-8").split())
    assert QUESTION in text or "questions to check, never a verdict" in text


class TestSearchAssistant:
    stanza = read_conf(DEFAULT / "searchbnf.conf")["lofpenrich-command"]
    examples = tuple(item for item in stanza.items() if item[0].startswith("example"))

    def test_syntax_has_the_options_of_the_command_in_their_order(self) -> None:
        assert tuple(re.findall(r"\((\w+)=", self.stanza["syntax"])) == options.NAMES
        assert set(re.findall(r"\((\w+)=", self.stanza["simplesyntax"])) <= set(options.NAMES)

    def test_syntax_has_the_choices_of_the_options(self) -> None:
        choices = dict(re.findall(r"\((\w+)=\(([^)]*)\)\)", self.stanza["syntax"]))
        assert choices == {
            "kind": "|".join(options.KINDS),
            "evidence": "|".join(options.EVIDENCE),
            "match": "|".join(options.MATCHES),
            "output": "brief|full",
        }

    def test_syntax_has_the_types_of_the_options(self) -> None:
        types = dict(re.findall(r"\((\w+)=<([^>]+)>\)", self.stanza["syntax"]))
        for name, kind in types.items():
            default = getattr(options.Options(), name)
            is_list = isinstance(default, tuple)
            expected = {bool: "bool", int: "int"}.get(type(default), "string")
            assert kind == ("field-list" if is_list and "field" in name else expected)

    def test_description_explains_every_option_and_every_brief_field(self) -> None:
        words = set(re.findall(r"\w+", self.stanza["description"]))
        assert set(options.NAMES) <= words
        assert {options.Options().prefix + name for name in columns.OUTPUT_BRIEF} <= words

    def test_description_has_the_limits_and_defaults_of_the_options(self) -> None:
        defaults = options.Options()
        text = self.stanza["description"]
        assert f"(1 to {options.MAX_EXPLANATIONS}, default {defaults.max})" in text
        assert f"(0 to 100, default {defaults.min_score})" in text
        assert f"(default {defaults.prefix})" in text

    def test_is_public_and_every_example_has_its_comment(self) -> None:
        assert self.stanza["usage"] == "public"
        assert self.stanza["shortdesc"]
        comments = {key for key in self.stanza if key.startswith("comment")}
        assert comments == {key.replace("example", "comment") for key, _ in self.examples}

    @pytest.mark.parametrize(("key", "search"), examples)
    def test_example_would_run(self, key: str, search: str) -> None:
        options.parse(options_in(search))


class TestLookupDefinitions:
    conf = read_conf(DEFAULT / "transforms.conf")

    def test_every_lookup_file_has_one_under_its_own_name(self) -> None:
        files = {*columns.CATALOGUE, *columns.SITE}
        # What a push stages in is a collection of KV store, and no file.
        named = {name: each for name, each in self.conf.items() if name != "lofp_staging"}
        assert {stanza["filename"] for stanza in named.values()} == files
        assert {f"{name}.csv" for name in named} == files

    @pytest.mark.parametrize("name", LOOKUPS)
    def test_matches_in_any_case_and_not_without_end(self, name: str) -> None:
        assert self.conf[name]["case_sensitive_match"] == "false"
        assert 1 <= int(self.conf[name]["max_matches"]) <= 10

    @pytest.mark.parametrize("name", LOOKUPS)
    def test_stays_out_of_the_knowledge_bundle(self, name: str) -> None:
        assert self.conf[name]["replicate"] == "false"

    @pytest.mark.parametrize("name", LOOKUPS)
    def test_wildcards_are_of_columns_that_there_are(self, name: str) -> None:
        wild = re.findall(r"WILDCARD\((\w+)\)", self.conf[name].get("match_type", ""))
        assert wild == (["technique", "rule", "value"] if name == "lofp_local" else [])
        assert set(wild) <= set(LOOKUPS[name])


def test_no_column_of_a_lookup_is_removed_or_renamed() -> None:
    """Installed code and pushed lookups are of different ages; the list may only grow."""
    listed = json.loads((CHECKOUT / "tests" / "data" / "columns.json").read_text("utf-8"))
    now = {**columns.CATALOGUE, **columns.SITE}
    assert set(listed) <= set(now)
    assert {name: set(names) - set(now[name]) for name, names in listed.items()} == {
        name: set() for name in listed
    }


def test_every_lookup_that_we_ship_or_write_down_stays_on_the_search_head() -> None:
    """Where the files are: an indexer has none of them."""
    texts = [*APP.rglob("*"), CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")]
    found = [
        (path.name, line)
        for path in texts
        if path.suffix in {".md", ".conf", ".xml", ".html", ".spec"}
        for line in re.findall(r"\| *lookup +(?:\w+=\w+ +)*lofp_\w+", path.read_text("utf-8"))
    ]
    assert len(found) > 5
    assert [each for each in found if "local=true" not in each[1]] == []


class TestMacros:
    conf = read_conf(DEFAULT / "macros.conf")

    @pytest.mark.parametrize("name", conf)
    def test_says_what_it_is_and_takes_the_arguments_it_names(self, name: str) -> None:
        macro = self.conf[name]
        assert macro["description"]
        arguments = [each.strip() for each in macro.get("args", "").split(",") if each.strip()]
        count = re.search(r"\((\d+)\)$", name)
        assert len(arguments) == int(count[1] if count else 0)
        assert set(re.findall(r"\$(\w+)\$", macro["definition"])) == set(arguments)

    @pytest.mark.parametrize("name", [name for name in conf if name.startswith("lofp_enrich")])
    def test_gives_options_that_the_command_takes(self, name: str) -> None:
        definition = re.sub(r"\$\w+\$", "a,b{} c", self.conf[name]["definition"])
        parsed = options.parse(options_in(definition))
        assert parsed.max == options.Options().max
        for argument in self.conf[name].get("args", "").split(","):
            if argument:
                assert getattr(parsed, argument.strip()) == ("a", "b{} c")


def test_everything_is_for_all_and_only_admins_change_it() -> None:
    text = (APP / "metadata" / "default.meta").read_text(encoding="utf-8")
    assert "[]\naccess = read : [ * ], write : [ admin, sc_admin ]\n" in text
    exported = set(re.findall(r"\[(\w+)\]\nexport = system\n", text))
    shared = {path.stem for path in DEFAULT.glob("*.conf")} - {"app"}
    own = {"collections", "savedsearches", "server", "tools"}
    assert exported == shared - own | {"alerts", "lookups"}


@pytest.mark.parametrize(
    ("name", "size"),
    [("appIcon", 36), ("appIcon_2x", 72), ("appIconAlt", 36), ("appIconAlt_2x", 72)],
)
def test_icons_have_the_sizes_that_splunk_shows(name: str, size: int) -> None:
    data = (APP / "static" / f"{name}.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (size, size)


def test_readme_names_the_lookups_macros_and_fields() -> None:
    text = (APP / "README.md").read_text(encoding="utf-8")
    for name in (*LOOKUPS, *read_conf(DEFAULT / "macros.conf")):
        assert f"`{name}`" in text
    for name in columns.OUTPUT_BRIEF:
        assert f"`lofp_{name}`" in text
