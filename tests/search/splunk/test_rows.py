"""What of a row an answer is remembered by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.splunk.rows import Columns

CELLS = st.lists(st.text("\0\0a1", max_size=4), min_size=3, max_size=3)


def _key(cells: list[str]) -> object:
    return Columns(["user", "host", "process"], [], multivalue=False).key(list(cells))


@given(CELLS, CELLS)
def test_rows_have_the_same_key_only_where_they_are_the_same(
    one: list[str], other: list[str]
) -> None:
    assert (_key(one) == _key(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a\0b", "c", ""], ["a", "b\0c", ""]),
        (["\0", "", ""], ["", "\0", ""]),
        (["\0", "", ""], ["", "", "\0"]),
        (["a", "b", "c"], ["a\0b\0c", "", ""]),
        (["", "", "\0001\0000\0000"], ["\0", "", "1\0000\0000"]),
    ],
)
def test_where_a_cell_ends_is_part_of_the_key(one: list[str], other: list[str]) -> None:
    assert _key(one) != _key(other)


def test_no_columns_are_one_key() -> None:
    nothing = Columns(["_time"], [], multivalue=False)
    assert nothing.key(["1"]) == nothing.key(["2"])


def test_a_row_that_is_too_short_is_one_with_empty_cells() -> None:
    assert _key(["a"]) == _key(["a", "", ""])
