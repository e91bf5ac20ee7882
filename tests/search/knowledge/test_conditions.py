"""Conditions of entries: what is damaged costs itself, and a shortlist misses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.answer.evidence import FITS, RESEMBLES, weigh
from lofp_enrich.search.answer.weigher import Weigher
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import EVIDENCE, SOFTWARE
from lofp_enrich.search.knowledge.conditions import ConditionsIndex
from lofp_enrich.search.knowledge.software import SoftwareIndex
from tests.conftest import examples


def row(entry_id: str, fits: Any = None, contradicts: Any = None, **values: str) -> dict[str, str]:
    said = {
        "fits": json.dumps(fits) if fits else "",
        "contradicts": json.dumps(contradicts) if contradicts else "",
    }
    return {**dict.fromkeys(EVIDENCE, ""), "entry_id": entry_id, **said, **values}


GOOD = row("good", {"user": "a"}, [{"user": "b"}, {"user": "c"}], software="x|y", role="parent")


def test_a_row_compiled() -> None:
    found = ConditionsIndex([GOOD]).of("good")
    assert found
    assert (found.software, found.role) == (("x", "y"), "parent")
    assert [item.patterns for item in found.fits] == [("a",)]
    assert [[item.patterns for item in each] for each in found.contradicts] == [[("b",)], [("c",)]]


def test_an_entry_without_conditions_has_none() -> None:
    assert ConditionsIndex([GOOD]).of("other") is None


@pytest.mark.parametrize("column", ["fits", "contradicts"])
@pytest.mark.parametrize(
    "cell",
    [
        *("{", "nonsense", "7", '"text"', "true", "[7]", "[null]", "[[]]", '[["a"]]'),
        *('{"colour": "x"}', '[{"colour": "x"}]', '{"user|re": "(a+)+"}', '[{"user": ""}]'),
        "[" * 100_000,
    ],
)
def test_damaged_json_costs_itself_alone(column: str, cell: str) -> None:
    index = ConditionsIndex([{**row("bad", {"user": "a"}, [{"user": "b"}]), column: cell}, GOOD])
    assert index.of("bad") is None
    assert index.of("good")
    # Asked twice, it says the same.
    assert index.of("bad") is None
    found = index.shortlist({"bad", "good"}).of(Alert({"user": ("a",)}, (), (), {}), ["x"])
    assert found == ["good"]


def test_an_older_set_of_lookups_has_none(tmp_path: Path) -> None:
    assert ConditionsIndex.load(tmp_path).of("good") is None


def test_a_file_that_is_there_and_damaged_is_told(tmp_path: Path) -> None:
    (tmp_path / "lofp_evidence.csv").write_text("entry_id,other\n")
    with pytest.raises(SearchError, match="lofp_evidence"):
        ConditionsIndex.load(tmp_path)


def test_only_the_entries_that_are_asked_for() -> None:
    index = ConditionsIndex([GOOD, row("other", {"host": "h"})])
    assert index.shortlist({"other"}).of(Alert({"host": ("h",)}, (), (), {}), ["x"]) == ["other"]
    assert index.shortlist(set()).of(Alert({"host": ("h",)}, (), (), {}), ["x"]) == []


def test_each_entry_once_by_software_and_by_what_must_stand_there() -> None:
    index = ConditionsIndex([GOOD, row("free", {"user": "a*"}), row("tied", {"user": "abc"})])
    shortlist = index.shortlist({"good", "free", "tied"})
    assert shortlist.of(Alert({}, (), (), {}), ["x", "y"]) == ["good", "free"]
    assert shortlist.of(Alert({"user": ("ABC",)}, (), (), {}), []) == ["free", "tied"]


PRODUCTS = SoftwareIndex.of(
    {**dict.fromkeys(SOFTWARE, ""), "software": key, "category": category, **values}
    for key, category, values in (
        ("vault", "backup", {"folders": "C:\\Program Files\\Vault\\", "processes": "vault.exe"}),
        ("web", "web-server", {"folders": "C:\\Program Files\\Web\\", "processes": "web.exe"}),
        ("stack", "cloud-service", {"invoked_by": "stack.amazonaws.com"}),
    )
)
PATHS = st.sampled_from(
    [
        *("C:\\Program Files\\Vault\\vault.exe", "vault.exe", "C:\\Users\\Public\\vault.exe"),
        *("C:\\Program Files\\Web\\web.exe", "/usr/bin/tar", "C:\\Windows\\System32\\cmd.exe"),
    ]
)
TEXTS = st.text("ab ", min_size=1, max_size=4)
KEYS = st.sampled_from(
    [
        *("process", "process|endswith", "parent|contains", "user", "command_line|contains"),
        *("command_line|contains|all", "user|startswith", "user|re", "file|endswith"),
    ]
)
VALUES = st.lists(PATHS | TEXTS, min_size=1, max_size=2)
ITEMS = st.dictionaries(KEYS, VALUES, max_size=3)
SOME_ITEMS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=2)
ROWS = st.lists(
    st.tuples(
        ITEMS,
        st.none() | SOME_ITEMS.map(lambda items: [items]),
        st.sampled_from(["", "vault", "web", "stack", "vault|web", "nobody"]),
        st.sampled_from(["", "process", "parent", "caller"]),
    ),
    max_size=5,
)
ALERTS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.lists(PATHS, min_size=1, max_size=2) for name in ("process", "parent", "file")},
        **{name: st.lists(TEXTS, min_size=1, max_size=2) for name in ("user", "command_line")},
        "invoked_by": st.just(["stack.amazonaws.com"]),
    },
)


@examples(300)
@given(ROWS, ALERTS)
def test_a_shortlist_has_all_that_fits_and_resembles(
    rows: list[tuple[Any, ...]], values: dict[str, list[str]]
) -> None:
    index = ConditionsIndex(
        row(str(number), fits, contradicts, software=software, role=role)
        for number, (fits, contradicts, software, role) in enumerate(rows)
    )
    alert = Alert({name: tuple(each) for name, each in values.items()}, (), (), {})
    ids = {str(number) for number in range(len(rows))}
    weigher = Weigher(PRODUCTS, index, alert)
    sightings = list(PRODUCTS.sightings(alert))
    likely = weigher.likely(index.shortlist(ids))
    assert len(likely) == len(set(likely))
    for entry_id in ids:
        wanted = index.of(entry_id)
        if wanted and weigh(wanted, alert, sightings, PRODUCTS).state in (FITS, RESEMBLES):
            assert entry_id in likely
