"""Typed reads: what each gives, and the exact message with the line where it can't."""

from __future__ import annotations

import datetime

import pytest

from lofp_enrich.errors import RuleError
from lofp_enrich.model import Location
from lofp_enrich.sources import fields
from lofp_enrich.sources.fields import RuleNode
from lofp_enrich.sources.yamldoc import documents


def table(text: str) -> RuleNode:
    (document,) = documents(text, "x.yml")
    assert isinstance(document, RuleNode)
    return document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fp: [a, b]", ("a", "b")),
        ("fp: a string is one statement", ("a string is one statement",)),
        ("fp:", ()),
        ("fp: null", ()),
        ("fp: ''", ()),
        ("other: 1", ()),
        ("fp: [null, '', ' ', a]", ("a",)),
        ("fp: [No, 4624, 1.50, false, 2024-01-01]", ("No", "4624", "1.50", "false", "2024-01-01")),
        ("fp: No", ("No",)),
        ("fp:\n  - Other tools: Sysinternals", ("Other tools: Sysinternals",)),
        ("fp: {Other tools: Sysinternals}", ("Other tools: Sysinternals",)),
        ("fp:\n  - Other tools:", ("Other tools:",)),
        ("fp: |\n  two\n    lines", ("two lines",)),
        ("fp: ['null', '~']", ("null", "~")),
    ],
)
def test_texts(text: str, expected: tuple[str, ...]) -> None:
    assert fields.texts(table(text), "fp") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nfp:\n  - b\n  - [c]", "x.yml:4: fp: expected text, found a list"),
        ("fp:\n  - {a: 1, b: 2}", "x.yml:2: fp: expected text, found a mapping"),
        ("a: 1\nfp: {a: 1, b: 2}", "x.yml:2: fp: expected text, found a mapping"),
        ("fp:\n  - a:\n      - b", "x.yml:2: fp: expected text, found a mapping"),
    ],
)
def test_texts_says_where_it_cannot_read(text: str, message: str) -> None:
    with pytest.raises(RuleError) as error:
        fields.texts(table(text), "fp")
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [("title:  a\n  b ", "a b"), ("title:", ""), ("other: 1", ""), ("title: 5", "5")],
)
def test_text(text: str, expected: str) -> None:
    assert fields.text(table(text), "title") == expected


def test_text_says_where_it_cannot_read() -> None:
    with pytest.raises(RuleError) as error:
        fields.text(table("a: 1\ntitle: [b]"), "title")
    assert str(error.value) == "x.yml:2: title: expected text, found a list"


def test_a_required_text_that_is_missing_is_reported_where_the_mapping_begins() -> None:
    with pytest.raises(RuleError) as error:
        fields.text(table("\n\na: 1"), "title", required=True)
    assert str(error.value) == "x.yml:3: title: missing"


def test_mapping() -> None:
    assert fields.mapping(table("tags: {a: b}"), "tags") == {"a": "b"}
    assert fields.mapping(table("tags:"), "tags") == {}
    with pytest.raises(RuleError) as error:
        fields.mapping(table("a: 1\ntags: [b]"), "tags")
    assert str(error.value) == "x.yml:2: tags: expected a mapping, found a list"


def test_mappings() -> None:
    assert fields.mappings(table("threat: [{a: b}, null, {c: d}]"), "threat") == (
        {"a": "b"},
        {"c": "d"},
    )
    assert fields.mappings(table("threat: {a: b}"), "threat") == ({"a": "b"},)
    assert fields.mappings(table("threat:"), "threat") == ()
    with pytest.raises(RuleError) as error:
        fields.mappings(table("threat: [a]"), "threat")
    assert str(error.value) == "x.yml:1: threat: expected a mapping, found text"


def test_values_of_toml_are_text_as_well() -> None:
    values = RuleNode("x.toml")
    values.update({"fp": [True, 3, 1.5, datetime.date(2026, 1, 2)]})
    assert fields.texts(values, "fp") == ("true", "3", "1.5", "2026-01-02")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("attack.t1059.001", ["T1059.001"]),
        ("attack.T1136", ["T1136"]),
        ("T1127.001", ["T1127.001"]),
        ("attack..t1053", ["T1053"]),
        ("attack. t1218.011", ["T1218.011"]),
        ("attack.t1059_005", ["T1059.005"]),
        ("attack.tT1555.003", ["T1555.003"]),
        ("attck.t1003", ["T1003"]),
        ("ATT&CK.T1036", ["T1036"]),
        ("attack.t1036\tattack.t1027", ["T1036", "T1027"]),
        ("T1569.001, T1569.002", ["T1569.001", "T1569.002"]),
        ("T1222.01", ["T1222"]),
        ("attack.aml.t0051", ["AML.T0051"]),
        ("AML.T0024.000", ["AML.T0024.000"]),
        ("T1059 t1059 attack.t1059", ["T1059"]),
        ("attack.t11134", []),
        ("attack.t109", []),
        ("attack.ta0004", []),
        ("attack.tA0004", []),
        ("attack.s0029", []),
        ("attack.g0016", []),
        ("attack.ds0005", []),
        ("attack.defense-evasion", []),
        ("cve.2021.44228", []),
        ("car.2013-05-002", []),
        ("T078", []),
        ("T", []),
        ("start1059", []),
    ],
)
def test_technique_ids(text: str, ids: list[str]) -> None:
    assert fields.technique_ids([text]) == tuple(ids)


def test_terms_are_folded_capped_and_each_once() -> None:
    values = ["*\\cmd.exe*", "\\cmd.exe", "  a \n b ", "*", "-", "x", "y" * 201]
    assert fields.terms(values) == ("\\cmd.exe", "a b")
    assert len(fields.terms(map(str, range(10, 500)))) == fields.TERMS


def test_a_description_is_cut() -> None:
    assert fields.cut("a  b\n" * 1000) == ("a b " * 250).rstrip()


def test_each_gives_errors_as_values_and_goes_on() -> None:
    bad = RuleError("in the part", Location("x", 1))

    def make(part: object) -> None:
        assert isinstance(part, int)
        raise RuleError(f"made of {part}", Location("x", part))

    assert [str(error) for error in fields.each(make, [bad, 2])] == [
        "x:1: in the part",
        "x:2: made of 2",
    ]
