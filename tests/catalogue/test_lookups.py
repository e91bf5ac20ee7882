"""Entries to files: their bytes, what comes back of them, and how they are replaced."""

from __future__ import annotations

import csv
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lofp_enrich import files
from lofp_enrich.catalogue import lookups
from lofp_enrich.catalogue.kinds import kind_of
from lofp_enrich.catalogue.merge import entry_id, fold, merge
from lofp_enrich.catalogue.model import Catalogue
from lofp_enrich.errors import LofpError
from lofp_enrich.model import FalsePositive, Location, Rule
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge import columns
from lofp_enrich.search.knowledge.columns import from_cell, to_cell
from lofp_enrich.search.knowledge.index import LookupIndex
from tests.conftest import ATTACK, DATA, KNOWN, examples, run

FILES = {
    "lofp_attack.csv": columns.ATTACK,
    "lofp_entries.csv": columns.ENTRIES,
    "lofp_evidence.csv": columns.EVIDENCE,
    "lofp_local.csv": columns.LOCAL,
    "lofp_meta.csv": columns.META,
    "lofp_ranking.csv": columns.RANKING,
    "lofp_rules.csv": columns.RULES,
    "lofp_software.csv": columns.SOFTWARE,
    "lofp_techniques.csv": columns.TECHNIQUES,
}
GOLDEN = (
    "lofp_entries.csv",
    "lofp_evidence.csv",
    "lofp_meta.csv",
    "lofp_rules.csv",
    "lofp_techniques.csv",
)
"""What people read, and a diff shows. lofp_ranking.csv is held by tests/search/test_family.py,
lofp_software.csv, which no source changes, by tests/catalogue/test_software.py."""
TABLE = Attack.load(ATTACK)
BUILD = ("build", "--no-starter", *(f"--source={name}={DATA / 'golden' / name}" for name in KNOWN))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: from_cell(cell) for name, cell in row.items()}
            for row in csv.DictReader(file, strict=True)
        ]


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(known_lookups: Path, golden: Callable[[str, bytes], None], name: str) -> None:
    golden(name, (known_lookups / name).read_bytes())


def test_every_file_has_its_columns_and_rows_of_one_line(known_lookups: Path) -> None:
    assert {path.name for path in known_lookups.iterdir()} == set(FILES)
    for name, header in FILES.items():
        data = (known_lookups / name).read_bytes()
        assert data.endswith(b"\n")
        assert b"\r" not in data
        lines = data.decode("utf-8").splitlines()
        assert tuple(lines[0].split(",")) == header
        for line in lines[1:]:
            (cells,) = csv.reader([line], strict=True)
            assert len(cells) == len(header)
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert (known_lookups / "lofp_attack.csv").read_bytes() == ATTACK.read_bytes()


def test_the_hazards_are_in_the_golden_rules(known_lookups: Path) -> None:
    entries = rows_of(known_lookups / "lofp_entries.csv")
    statements = [row["statement"] for row in entries]
    for part in (",", '"', "{", "|", "`", "$", "\u65e5", "\U0001f642"):
        assert any(part in statement for statement in statements), part
    for beginning in ("=", "-", "'"):
        assert any(statement.startswith(beginning) for statement in statements), beginning
    assert max(map(len, statements)) > 500
    assert "A line break in the middle, made by the imaging tool." in statements
    assert any(row["techniques"].count("|") == 2 for row in entries)
    assert any(row["sources"] == "elastic|sigma" for row in entries)
    assert {row["generated"] for row in entries} == {"true", "false"}
    assert "unknown" not in {statement.lower() for statement in statements}


def test_no_word_stands_behind_a_bar_as_a_command(tmp_path: Path) -> None:
    """AppInspect takes it for the alert action of old, in whatever file."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "- statement: A patch job sends the document AWS-RunShellScript to the servers.\n"
        "  techniques: [T1651]\n  products: [aws]\n  terms: [AWS-RunShellScript, SendCommand]\n",
        encoding="utf-8",
    )
    made = run("build", "--no-starter", "--source", f"entries={own}", "--out", tmp_path / "made")
    assert made.exit_code == 0, made.stderr
    text = (tmp_path / "made" / "lofp_entries.csv").read_text(encoding="utf-8")
    assert "runshellscript:" in text
    for file in (tmp_path / "made").iterdir():
        assert "|runshellscript" not in file.read_text(encoding="utf-8").lower()


class TestRoundTrip:
    def test_the_catalogue_comes_back(self, known_lookups: Path) -> None:
        index = LookupIndex.load(known_lookups)
        entries = {row["entry_id"]: row for row in rows_of(known_lookups / "lofp_entries.csv")}
        for entry_id_, row in entries.items():
            entry = index.entry(entry_id_)
            assert entry
            assert entry.statement == row["statement"]
            assert entry_id(fold(entry.statement)) == entry_id_
            assert kind_of(entry.statement) == entry.kind
            assert "|".join(entry.techniques) == row["techniques"]
            assert "|".join(sorted(entry.products)) == row["products"]
            assert "|".join(entry.sources) == row["sources"]
            assert str(entry.rule_count) == row["rule_count"]
            for technique in entry.techniques:
                assert entry_id_ in {each.entry_id for each in index.family(technique).members}
        for rule in rows_of(known_lookups / "lofp_rules.csv"):
            (found,) = index.rules(rule["rule_key"])
            assert "|".join(found.entry_ids) == rule["entry_ids"]
            assert set(found.entry_ids) <= entries.keys()
        pairs = rows_of(known_lookups / "lofp_techniques.csv")
        assert {(row["technique"], row["entry_id"]) for row in pairs} == {
            (technique, entry_id_)
            for entry_id_, row in entries.items()
            for technique in row["techniques"].split("|")
            if technique
        }
        for row in pairs:
            assert row["technique_name"] == TABLE.name(row["technique"])
            assert row["statement"] == entries[row["entry_id"]]["statement"]

    @examples(30)
    @given(st.lists(st.text(max_size=40), max_size=8), st.text(max_size=20))
    @example(["B ", " b", "b  c"], " t ")
    @example(["=1+1", "'=1+1", "''@x", "-", "\0 x", "a\u2028b", 'say "x", y'], "+t")
    def test_any_statement_does(
        self, tmp_path_factory: pytest.TempPathFactory, texts: list[str], title: str
    ) -> None:
        folder = tmp_path_factory.getbasetemp() / "any"
        rules = [
            Rule("sigma", str(n), title, Location("x"), ("T1059",), (FalsePositive(text),))
            for n, text in enumerate(texts)
        ]
        catalogue = merge(rules, TABLE)
        lookups.write(catalogue, TABLE, (), folder)
        index = LookupIndex.load(folder)
        for entry in catalogue.entries:
            row = index.entry(entry.id)
            assert row
            assert row.statement == _kept(entry.statement)
            assert row.rule_title == _kept(title)
        assert len(index.family("T1059").members) == len(catalogue.entries)
        assert index.damaged == []


def _kept(text: str) -> str:
    """One line of UTF-8."""
    line = " ".join(text.split()).replace("\0", "\ufffd")
    return line.encode("utf-8", "replace").decode("utf-8")


class TestCells:
    @pytest.mark.parametrize(
        ("text", "cell"),
        [
            ("", ""),
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'=1", "''=1"),
            ("'quoted'", "'quoted'"),
            ("'", "'"),
            ("a=b", "a=b"),
        ],
    )
    def test_no_spreadsheet_takes_one_for_a_formula(self, text: str, cell: str) -> None:
        assert to_cell(text) == cell
        assert from_cell(cell) == text

    @given(st.text() | st.text(alphabet="'=+-@\t\rx", max_size=6))
    def test_every_text_has_one_cell_of_its_own(self, text: str) -> None:
        cell = to_cell(text)
        assert from_cell(cell) == text
        assert to_cell(from_cell(cell)) == cell
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))

    @given(*[st.text(alphabet="'=+-@\t\rx", max_size=6)] * 2)
    def test_two_texts_have_two(self, one: str, other: str) -> None:
        assert (to_cell(one) == to_cell(other)) == (one == other)


class TestWriting:
    def test_what_became_of_each_file_is_said(self, tmp_path: Path) -> None:
        first = run(*BUILD, "--json", "--out", tmp_path / "x")
        assert first.exit_code == 0
        assert first.stdout.count('": "created"') == len(FILES)
        stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "x").iterdir()}
        again = run(*BUILD, "--json", "--out", tmp_path / "x")
        assert again.stdout.count('": "unchanged"') == len(FILES) - 1
        assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
        other = run("build", "--json", "--out", tmp_path / "x")
        assert '/lofp_attack.csv": "unchanged"' in other.stdout
        assert '/lofp_entries.csv": "updated"' in other.stdout
        assert not [path for path in (tmp_path / "x").iterdir() if path.name.startswith(".")]

    def test_the_sites_own_file_is_never_touched(self, tmp_path: Path) -> None:
        run(*BUILD, "--out", tmp_path)
        own = tmp_path / "lofp_local.csv"
        assert own.read_text(encoding="utf-8") == ",".join(columns.LOCAL) + "\n"
        own.write_bytes(b"statement\r\nmine")
        assert "lofp_local.csv" not in run(*BUILD, "--json", "--out", tmp_path).stdout
        assert own.read_bytes() == b"statement\r\nmine"

    def test_where_nothing_can_be_written_one_sentence_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(LofpError, match=r"^.*file: the lookups cannot be written .*--out\.$"):
            lookups.write(Catalogue(()), TABLE, (), tmp_path / "file")

    def test_an_empty_catalogue_is_headers(self, tmp_path: Path) -> None:
        lookups.write(Catalogue(()), TABLE, (), tmp_path)
        assert (tmp_path / "lofp_entries.csv").read_bytes().count(b"\n") == 1
        assert LookupIndex.load(tmp_path).family("T1059").members == ()


class TestReplacing:
    def test_created_updated_unchanged(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        assert files.replace_file(path, b"old") == "created"
        assert files.replace_file(path, b"old") == "unchanged"
        assert files.replace_file(path, b"new") == "updated"
        assert path.read_bytes() == b"new"
        assert path.stat().st_mode & 0o777 == 0o644
        assert list(tmp_path.iterdir()) == [path]

    def test_a_reader_sees_the_old_or_the_new_file(self, tmp_path: Path) -> None:
        """Never none, and never a part: searches read while `build` writes."""
        path = tmp_path / "x.csv"
        contents = [bytes([letter]) * 300_000 for letter in b"abc"]
        files.replace_file(path, contents[0])
        seen: set[bytes] = set()
        faults: list[BaseException] = []
        done = threading.Event()

        def read() -> None:
            try:
                while not done.is_set():
                    seen.add(path.read_bytes())
            except BaseException as error:
                faults.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(60):
            files.replace_file(path, contents[number % 3])
        done.set()
        reader.join()
        assert faults == []
        assert len(seen) > 1
        assert seen <= set(contents)

    def test_an_open_file_stays_what_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        files.replace_file(path, b"old" * 10_000)
        with path.open("rb") as file:
            begun = file.read(3)
            files.replace_file(path, b"new")
            assert begun + file.read() == b"old" * 10_000
        assert path.read_bytes() == b"new"

    @pytest.fixture
    def full_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fsync(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fsync)

    @pytest.mark.usefixtures("full_disk")
    def test_on_a_full_disk_the_old_file_stays(self, tmp_path: Path) -> None:
        path = tmp_path / "lofp_entries.csv"
        path.write_bytes(b"old")
        with pytest.raises(LofpError, match="No space left on device"):
            lookups.write(Catalogue(()), TABLE, (), tmp_path)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


def test_csv_text_is_read_by_any_reader(known_lookups: Path) -> None:
    """As Splunk reads it: a header, quotes doubled, one record a line."""
    data = (known_lookups / "lofp_entries.csv").read_text(encoding="utf-8")
    lenient = list(csv.reader(io.StringIO(data)))
    assert [len(row) for row in lenient] == [len(columns.ENTRIES)] * data.count("\n")
