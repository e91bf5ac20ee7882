"""Lookup files, read row by row."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import to_cell
from lofp_enrich.search.knowledge.lookupfile import LookupFile

COLUMNS = ("key", "text")


def data_of(*rows: tuple[str, ...], header: tuple[str, ...] = COLUMNS) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8", "replace")


def opened(folder: Path, data: bytes) -> LookupFile:
    path = folder / "x.csv"
    path.write_bytes(data)
    return LookupFile(path, COLUMNS)


ROWS = (("a", "first"), ("b", 'with "quotes", and commas'), ("a", "second"), ("a b", "\u00fc"))


@pytest.mark.parametrize(
    "data",
    [
        data_of(*ROWS),
        data_of(*ROWS).rstrip(b"\n"),
        data_of(*ROWS).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + data_of(*ROWS),
        data_of(*ROWS, ("", ""), ("",)) + b"\n\n",
        data_of(*[(text, "x", key) for key, text in ROWS], header=("text", "more", "key")),
    ],
    ids=["as built", "no last line break", "CRLF", "BOM", "blank rows", "other columns too"],
)
def test_rows_by_their_first_cell(tmp_path: Path, data: bytes) -> None:
    file = opened(tmp_path, data)
    if data.startswith(b"text"):
        assert list(file.by_first_cell("first")) == [["a", "first"]]
        return
    assert list(file.by_first_cell("a")) == [["a", "first"], ["a", "second"]]
    assert list(file.by_first_cell("b")) == [["b", 'with "quotes", and commas']]
    assert list(file.by_first_cell("a b")) == [["a b", "\u00fc"]]
    assert list(file.by_first_cell("")) in ([], [["", ""]])
    assert list(file.by_first_cell("c")) == list(file.by_first_cell("key")) == []
    assert file.by_first_cell("a") is not file.by_first_cell("a")


TEXTS = st.text().map(lambda text: " ".join(text.replace("\0", "").split()))


@given(texts=st.lists(TEXTS, max_size=10))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    rows = [(f"k{number % 3}", to_cell(text)) for number, text in enumerate(texts)]
    file = opened(tmp_path_factory.getbasetemp(), data_of(*rows))
    for number in range(3):
        kept = [text.encode("utf-8", "replace").decode() for text in texts[number::3]]
        assert [text for _, text in file.by_first_cell(f"k{number}")] == kept
    assert file.damaged == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "x.csv cannot be read (No such file or directory); install the app again"),
        (b"", "x.csv has no column key;"),
        (b"\n\n", "x.csv has no column key;"),
        (b"key\na\n", "x.csv has no column text;"),
        (b"key;text\na;b\n", "x.csv has no column key;"),
        (b"key,text\ra,b\r", "x.csv has no column"),
        (bytes(range(256)) * 10, "x.csv has no column key;"),
        ("key,text\n".encode("utf-16"), "x.csv has no column key;"),
    ],
)
def test_what_is_no_such_file_gets_one_sentence(
    tmp_path: Path, data: bytes | None, message: str
) -> None:
    if data is not None:
        (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(SearchError, match="^" + re.escape(message)) as error:
        LookupFile(tmp_path / "x.csv", COLUMNS)
    assert str(error.value).endswith("run lofp-enrich build.")


@pytest.mark.parametrize(
    "row", [b"a", b"a,b,c", b"a,b\rc", b'a,"open', b"a,b\r\nd\r\n", b'a,"b"c"'], ids=repr
)
def test_a_damaged_row_costs_no_other(tmp_path: Path, row: bytes) -> None:
    file = opened(tmp_path, b"key,text\na,first\n" + row + b"\na,last\n")
    found = list(file.by_first_cell("a"))
    assert found[0] == ["a", "first"]
    assert found[-1] == ["a", "last"]
    assert len(found) + file.damaged >= 2


def test_what_is_no_text_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = opened(tmp_path, b"key,text\na,\xed\xa0\x80caf\xe9\0\n")
    ((_, text),) = file.by_first_cell("a")
    assert text.encode().startswith("\ufffd".encode())
    assert "\0" not in text


def test_a_cell_over_10_mb(tmp_path: Path) -> None:
    long = "x" * (11 * 2**20)
    assert list(opened(tmp_path, data_of(("a", long))).by_first_cell("a")) == [["a", long]]


def test_a_file_that_is_replaced_meanwhile_gives_no_wrong_row(tmp_path: Path) -> None:
    file = opened(tmp_path, data_of(*[(str(n), f"old {n}") for n in range(100)]))
    assert list(file.by_first_cell("50")) == [["50", "old 50"]]
    new = tmp_path / "new"
    new.write_bytes(data_of(*[(str(n), f"new and longer {n}") for n in range(99, -1, -1)]))
    new.replace(tmp_path / "x.csv")
    for key in ("50", "7", "99"):
        assert list(file.by_first_cell(key)) in (
            [[key, f"old {key}"]],
            [[key, f"new and longer {key}"]],
        )


SECOND = ("key", "source", "id", "text")


def test_rows_by_a_second_column(tmp_path: Path) -> None:
    rows = [("a", "x", "ID-1", "1"), ("b", "x", "id-2", ","), ("c", "y", "id-1", '"')]
    for data in (
        data_of(*rows, header=SECOND),
        data_of(*rows, header=SECOND).replace(b"\n", b"\r\n"),
        data_of(*rows, ("d",), ("e", "x"), ("f, g", "x", "id-3", ""), header=SECOND) + b"\n\n",
        b'key,source,id,text\n"a","x","ID-1","1"\n"b","x","id-2",","\n"c","y","id-1",""""\n',
    ):
        (tmp_path / "x.csv").write_bytes(data)
        file = LookupFile(tmp_path / "x.csv", SECOND, second="id")
        for _ in range(2):
            assert [row[0] for row in file.by_second_cell("id-1")] == ["a", "c"]
            assert [row[0] for row in file.by_second_cell("iD-2")] == ["b"]
        assert list(file.by_first_cell("a")) == [["a", "x", "ID-1", "1"]]
        assert list(file.by_second_cell("")) == list(file.by_second_cell("id")) == []
        assert list(file.by_second_cell("a")) == list(file.by_second_cell("x")) == []
    assert list(opened(tmp_path, data_of(*ROWS)).by_second_cell("a")) == []


def test_a_file_that_is_replaced_meanwhile_is_found_by_its_second_column(tmp_path: Path) -> None:
    def data(word: str, numbers: range) -> bytes:
        return data_of(*[(f"k{n}", "x", f"id{n}", f"{word} {n}") for n in numbers], header=SECOND)

    (tmp_path / "x.csv").write_bytes(data("old", range(50)))
    file = LookupFile(tmp_path / "x.csv", SECOND, second="id")
    assert [row[3] for row in file.by_second_cell("id7")] == ["old 7"]
    (tmp_path / "new").write_bytes(data("new and longer", range(49, 0, -1)))
    (tmp_path / "new").replace(tmp_path / "x.csv")
    assert [row[3] for row in file.by_second_cell("id7")] == ["new and longer 7"]
    assert [row[3] for row in file.by_second_cell("id0")] == []
