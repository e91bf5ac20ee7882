"""TOML: exactly what tomllib gives, sooner; lines of keys; messages about the text as it is."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lofp_enrich.errors import RuleError
from lofp_enrich.sources import fields, tomldoc
from lofp_enrich.sources.fields import RuleNode
from tests.conftest import examples

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RULE = '''\
[metadata]
maturity = "production"

[rule]
name = "A"
note = """
name = "not this one"
"""

[[rule.threat]]
framework = "one"
[[rule.threat]]
framework = "two"
[[rule.threat.technique]]
id = "T1"
'''


def test_keys_know_their_lines() -> None:
    document = tomldoc.document(RULE, "x.toml")
    rule = fields.mapping(document, "rule")
    first, second = fields.mappings(rule, "threat")
    (technique,) = fields.mappings(second, "technique")
    assert str(document.at("metadata")) == "x.toml:1"
    assert str(rule.at()) == "x.toml:4"
    assert str(rule.at("name")) == "x.toml:5"
    assert str(rule.at("nowhere")) == "x.toml:4"
    assert str(first.at("framework")) == "x.toml:11"
    assert str(second.at("framework")) == "x.toml:13"
    assert str(technique.at("id")) == "x.toml:15"


@pytest.mark.parametrize(
    ("text", "line"),
    [('[rule]\nname = "a\n', 2), ("[rule]\n\na = \n", 3), ('a = """\n\n', 3), ("a = \x01\n", 1)],
)
def test_what_is_not_toml(text: str, line: int) -> None:
    with pytest.raises(RuleError) as error:
        tomldoc.document(text, "x.toml")
    assert str(error.value).startswith(f"x.toml:{line}: not TOML: ")


def test_nesting_without_end_is_an_error() -> None:
    with pytest.raises(RuleError):
        tomldoc.document("a = " + "[" * 100_000, "x.toml")


def test_inline_tables_are_tables() -> None:
    document = tomldoc.document("a = [{b = 1}]\nc = {d = 2}", "x.toml")
    assert isinstance(document["c"], RuleNode)
    assert fields.mappings(document, "a") == ({"b": 1},)


def outcome(loads: object, text: str) -> object:
    try:
        return loads(text)  # type: ignore[operator]
    except tomllib.TOMLDecodeError as error:
        return str(error)
    except RecursionError:
        return "RecursionError"


@examples(1000)
@given(
    st.lists(
        st.sampled_from(
            ['"', "'", '"""', "'''", "\\", "\n", "#", "a", " = ", "[", "]", ",", "x", '"a"', '""']
        ),
        max_size=30,
    ).map("".join)
)
@example('a = """b\'\'\'c"""\nd = "e"')
@example("a = \"\"'x'\nb = 'y'''")
@example('a = \'\'"""b"""')
@example('a = """b""""\n')
@example('a = """\nb"""\n')
@example("a = '''b\\'''\nc = \"d\" # \"e\n")
@example('"a b" = "c"\n[t."u v"]\n')
def test_it_gives_what_tomllib_gives(text: str) -> None:
    assert outcome(tomldoc.loads, text) == outcome(tomllib.loads, text)
