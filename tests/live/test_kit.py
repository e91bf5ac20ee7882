"""The live kit against its stand-in: what it says where all is well, and where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lofp_enrich.deploy import package
from lofp_enrich.deploy.client import Client, Limits
from lofp_enrich.deploy.credentials import Secret
from tests.app_check import App
from tests.fetch.certificates import Authority
from tests.live.__main__ import emulator, main
from tests.live.kit import SHARED, Emulator, Live, Outcome, run
from tests.live.searches import COMMAND, LANGUAGE, LOOKUPS, MACROS, Check, checks
from tests.live.stand_in import LiveSplunk
from tests.push.splunkd_rest import StandIn, State
from tests.spl.evaluation import Clock
from tests.spl.search import Results
from tests.spl.site import Splunk

pytestmark = pytest.mark.once

TOKEN = "made-up-token"
CLOCK = Clock(1_800_000_000.0)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    return emulator(tmp_path_factory.mktemp("here"), CLOCK)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> LiveSplunk:
    splunk = emulator(tmp_path_factory.mktemp("there"), CLOCK).splunk
    assert isinstance(splunk, Splunk)
    return LiveSplunk(splunk)


@pytest.fixture
def splunkd(tmp_path: Path, there: LiveSplunk) -> Iterator[StandIn]:
    authority = Authority(tmp_path, "authority")
    certificate = authority.issue("splunkd", ["localhost"])
    state = State(token=f"Bearer {TOKEN}", extra=there.answer)
    with StandIn(certificate, state) as splunkd:
        yield splunkd
    assert there.scratch == []
    assert there.jobs == 0
    there.lie = lambda search, results: results
    there.shared = dict(SHARED)
    there.searches.clear()


@pytest.fixture
def live(splunkd: StandIn, tmp_path: Path) -> Iterator[Live]:
    limits = Limits(connect=5, silence=60, tries=1, settle=(0,))
    ca = tmp_path / "authority.pem"
    with Client(splunkd.url, Secret("Bearer", TOKEN), ca=ca, limits=limits) as door:
        yield Live(door)


def outcomes(live: Live, here: Emulator, wanted: list[Check]) -> dict[str, Outcome]:
    said: list[str] = []
    found = {each.check: each for each in run(live, here, wanted, said.append)}
    assert all(any(name in line for line in said) for name in found)
    return found


def odd(found: dict[str, Outcome]) -> list[str]:
    return [name for name, each in found.items() if each.state != "same"]


def test_where_all_is_as_the_emulator_says(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    splunkd: StandIn,
    there: LiveSplunk,
) -> None:
    monkeypatch.setenv("LOFP_SPLUNK_TOKEN", TOKEN)
    assert main(splunkd.url, str(tmp_path / "authority.pem"), CLOCK) == 0
    said = capsys.readouterr().out
    assert f"{len(checks()) + 1} checks, 0 not as the emulator says." in said
    assert TOKEN not in said
    assert splunkd.refused == []
    written = [each for each in there.searches if "outputlookup" in each]
    assert written
    assert all(re.search(r"outputlookup \S+ lofp_scratch_\w+\.csv", each) for each in written)


@pytest.mark.parametrize(
    ("name", "lie", "there_says", "here_says"),
    [
        (
            "sort by a lone minus",
            lambda rows: sorted(rows, key=lambda row: (-int(row["a"]), int(row["b"]))),
            "'b': '1'",
            "'b': '3'",
        ),
        ("groups of empty texts", lambda rows: [{"a": "", "count": "1"}, *rows], "2 rows", "1 row"),
        (
            "merge by _chunked_idx",
            lambda rows: [{**row, "kept": "row 1"} for row in rows],
            "'kept': 'row 1'",
            "'kept': 'row 2'",
        ),
        (
            "multivalue fields",
            lambda rows: [{**row, "other": "a$b"} for row in rows],
            "'other': 'a$b'",
            "['a$b', 'c;d', '$e$;']",
        ),
    ],
)
def test_what_differs_is_shown_from_both_sides(
    live: Live,
    here: Emulator,
    there: LiveSplunk,
    name: str,
    lie: object,
    there_says: str,
    here_says: str,
) -> None:
    assert callable(lie)
    there.lie = lambda search, results: Results(lie(results.rows), results.fields)
    wanted = [each for each in checks() if each.name == name]
    found = outcomes(live, here, wanted)[name]
    assert found.state == "differs"
    assert there_says in found.there
    assert here_says in found.here


def test_empty_cells_as_texts_are_found_out(live: Live, here: Emulator, there: LiveSplunk) -> None:
    there.splunk.empty = "text"
    try:
        found = outcomes(live, here, LOOKUPS)
    finally:
        there.splunk.empty = "null"
    assert "empty cells read" in odd(found)
    assert "'empty': 'text'" in found["empty cells read"].there


def test_what_is_refused_on_one_side_alone_fails(live: Live, here: Emulator) -> None:
    good, bad = "| makeresults | stats count", "| nosuchcommand"
    found = outcomes(
        live,
        here,
        [Check("both", "x", bad, refused=True), Check("neither", "x", good, refused=True)],
    )
    assert odd(found) == ["neither"]
    assert found["neither"].state == "fails"


def test_permissions(live: Live, here: Emulator, there: LiveSplunk) -> None:
    there.shared["page"] = "global"
    found = outcomes(live, here, [])["permissions"]
    assert (found.state, found.there, found.here) == (
        "differs",
        "{'page': 'global'}",
        "{'page': 'app'}",
    )


def test_permissions_are_those_of_the_app() -> None:
    meta = App(package.TEMPLATE).folder / "metadata" / "default.meta"
    text = meta.read_text(encoding="utf-8")
    stanzas = {"command": "commands", "lookup": "transforms", "macro": "macros", "page": "views"}
    for kind, name in {**stanzas, "report": "savedsearches"}.items():
        export = re.search(rf"(?m)^\[{name}\]\n(?:#.*\n|access.*\n)*export = (\w+)$", text)
        assert export, name
        assert SHARED[kind] == {"system": "global", "none": "app"}[export[1]]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_interruption_leaves_nothing(
    live: Live, here: Emulator, there: LiveSplunk, error: type[BaseException]
) -> None:
    def stop(search: str, results: Results) -> Results:
        if "append=t" in search:
            assert len(there.scratch) == 1
        return results

    class Interrupted:
        def run(self, check: Check, scratch: str) -> list[dict[str, object]]:
            if check.name == "empty cells appended":
                raise error
            return here.run(check, scratch)

    there.lie = stop
    with pytest.raises(error):
        run(live, Interrupted(), LOOKUPS, lambda text: None)
    assert there.scratch == []


def test_what_a_killed_run_left_is_removed(live: Live, here: Emulator, there: LiveSplunk) -> None:
    (there.splunk.app / "lookups" / "lofp_scratch_0123.csv").write_text("a\n", encoding="utf-8")
    said: list[str] = []
    run(live, here, [], said.append)
    assert said[0] == "removed lofp_scratch_0123.csv, which an earlier run had left"


def test_what_cannot_be_asked_ends_in_words(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    splunkd: StandIn,
) -> None:
    monkeypatch.setenv("LOFP_SPLUNK_TOKEN", "another")
    assert main(splunkd.url, str(tmp_path / "authority.pem")) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_every_search_is_bounded_and_writes_a_scratch_lookup_alone() -> None:
    for each in (*COMMAND, *LOOKUPS, *LANGUAGE, *MACROS):
        assert each.search.startswith(("| makeresults", "| inputlookup {scratch}", "| `lofp_of_t"))
        assert each.earliest == "-1m"
    for each in checks():
        written = re.findall(r"outputlookup [^|]*", each.search)
        assert all(text.strip().endswith("{scratch}") for text in written)
    assert {each.name for each in checks()} >= {"LoFP - Rules without an explanation"}


def test_the_compose_file_shows_splunk_to_this_machine_alone() -> None:
    text = (Path(__file__).parent / "compose.yaml").read_text(encoding="utf-8")
    assert "UNTRIED" in text
    splunk = yaml.safe_load(text)["services"]["splunk"]
    assert all(port.startswith("127.0.0.1:") for port in splunk["ports"])
    assert not re.search(r"PASSWORD: (?!\$\{)", text), "no password in a file"
