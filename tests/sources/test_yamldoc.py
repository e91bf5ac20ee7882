"""YAML: plain values with lines, one message for each thing that is not, and nothing that kills."""

from __future__ import annotations

import time

import pytest
import yaml

from lofp_enrich.errors import RuleError
from lofp_enrich.sources import yamldoc
from lofp_enrich.sources.fields import Items, RuleNode


def test_scalars_stay_as_written() -> None:
    text = "[No, off, 010, 0x1F, 1e3, 2024-01-01, '~', ~, null, '', , x]".replace(", ,", ",")
    (document,) = yamldoc.documents(text, "x")
    assert document == [
        *("No", "off", "010", "0x1F", "1e3", "2024-01-01", "~"),
        *(None, None, "", "x"),
    ]


def test_keys_and_items_know_their_lines() -> None:
    (document,) = yamldoc.documents("# c\na: 1\nb:\n  - x\n\n  - y\nc:\n  d: 1\n", "x.yml")
    assert isinstance(document, RuleNode)
    assert {key: document.at(key).line for key in "abcz"} == {"a": 2, "b": 3, "c": 7, "z": 2}
    items, inner = document["b"], document["c"]
    assert isinstance(items, Items)
    assert items.lines == [4, 6]
    assert isinstance(inner, RuleNode)
    assert str(inner.at("d")) == "x.yml:8"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing\n", []),
        ("---\n---\n", [None, None]),
        ("a: 1\n---\nb: 2\n", [{"a": "1"}, {"b": "2"}]),
        ("a: 1\na: 2\n", [{"a": "2"}]),
        ("a: &x [1, 2]\nb: *x\n", [{"a": ["1", "2"], "b": ["1", "2"]}]),
        (
            "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n",
            [{"a": {"k": "1", "l": "2"}, "b": {"k": "3", "l": "2"}}],
        ),
        ("a: &x {k: 1}\nb: {<<: [*x, {m: 2}]}\n", [{"a": {"k": "1"}, "b": {"k": "1", "m": "2"}}]),
        ("a: !!str 5\nb: !!int 5\nc: ! d\n", [{"a": "5", "b": "5", "c": "d"}]),
        ("a: 'b'\r\nc: d\r\n", [{"a": "b", "c": "d"}]),
        ("text only", ["text only"]),
    ],
)
def test_documents(text: str, expected: list[object]) -> None:
    assert list(yamldoc.documents(text, "x")) == expected


def test_without_libyaml_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: [1, ~, 'x']\n---\nb: &x {c: !!int 3}\nd: *x\n---\ne: !bad 1\n"
    quick = [str(document) for document in yamldoc.documents(text, "x")]
    monkeypatch.setattr(yamldoc, "_Loader", yaml.SafeLoader)
    assert [str(document) for document in yamldoc.documents(text, "x")] == quick


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: c: d\n", "x:2: not YAML: mapping values are not allowed in this context"),
        ("a: 1\n  b: 2\n", "x:2: not YAML: mapping values are not allowed in this context"),
        ("a: [1\n", "x:2: not YAML: did not find expected ',' or ']'"),
        ("a: 'b\n", "x:2: not YAML: found unexpected end of stream"),
        ("a: 1\nb: \x01\n", "x:2: not YAML: control characters are not allowed"),
        ("a: 1\nb: \ud800\n", "x:2: not YAML: half a surrogate pair"),
    ],
)
def test_what_is_not_yaml(text: str, message: str) -> None:
    with pytest.raises(RuleError) as error:
        list(yamldoc.documents(text, "x"))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("b: !!python/object:os.system x", "the tag tag:yaml.org,2002:python/object:os.system"),
        ("b: !mine x", "the tag !mine"),
        ("b: !!binary aGk=", "the tag tag:yaml.org,2002:binary"),
        ("b: *nothing", "the alias *nothing"),
        ("b: &x [*x]", "the alias *x"),
        ("? [k]\n: v", "a key must be text"),
        ("{a: b}: c", "a key must be text"),
        ("b: {<<: text}", "<< takes a mapping"),
    ],
)
def test_what_is_not_plain_costs_its_document_only(document: str, message: str) -> None:
    first, second, third = yamldoc.documents(f"a: 1\n---\n{document}\n---\nc: 3\n", "x")
    assert (first, third) == ({"a": "1"}, {"c": "3"})
    assert isinstance(second, RuleError)
    assert str(second).startswith(f"x:3: not plain YAML: {message}")


def test_fifty_levels_are_enough() -> None:
    assert list(yamldoc.documents("[" * 50 + "]" * 50, "x"))
    with pytest.raises(RuleError) as error:
        list(yamldoc.documents("\n" + "[" * 51 + "]" * 51, "x"))
    assert str(error.value) == "x:2: not plain YAML: nested more than 50 levels deep"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "a: !mine b\nc: " + "[" * 1_000_000,
        "- " * 1_000_000,
        "{a: " * 1_000_000,
        "? " * 1_000_000,
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi")
        ),
        "[" + "1, " * 200_000 + "]",
    ],
    ids=[
        "brackets",
        "brackets after a tag",
        "dashes",
        "braces",
        "question marks",
        "billion laughs",
        "many values",
    ],
)
def test_a_bomb_is_an_error_and_soon(text: str) -> None:
    start = time.process_time()
    try:
        results = list(yamldoc.documents(text, "x"))
    except RuleError as error:
        results = [error]
    assert isinstance(results[0], RuleError)
    assert time.process_time() - start < 5
