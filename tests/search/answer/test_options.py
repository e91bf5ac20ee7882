"""The options of a search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.answer.options import LISTS, NAMES, Options, parse
from lofp_enrich.search.errors import SearchError

FIELDS = ("technique_field", "rule_field", "context_fields")
FLAGS = ("expand", "narrow", "distributed")
SEVERAL = "or several with commas between them"


def test_without_arguments_all_is_as_documented() -> None:
    options = parse({})
    assert options == Options()
    assert (options.max, options.min_score, options.prefix) == (3, 1, "lofp_")
    assert (options.match, options.output) == ("auto", "brief")
    assert (options.expand, options.narrow, options.distributed) == (False, True, False)
    assert options.source == options.product == options.kind == options.evidence == ()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("technique_field", "a, b{} c ,a,,", ("a", "b{} c")),
        ("rule_field", "Rule Name", ("Rule Name",)),
        ("context_fields", "x,y.z", ("x", "y.z")),
        ("source", "Sigma, ELASTIC", ("sigma", "elastic")),
        ("product", "Windows", ("windows",)),
        ("kind", "BENIGN,advice", ("benign", "advice")),
        ("kind", "actor", ("actor",)),
        ("evidence", "Fits, open,fits", ("fits", "open")),
        ("match", "Exact", "exact"),
        ("match", " rule ", "rule"),
        ("output", "FULL", "full"),
        ("max", "1", 1),
        ("max", "50", 50),
        ("max", "007", 7),
        ("min_score", "0", 0),
        ("min_score", "100", 100),
        ("prefix", "my_", "my_"),
        *[(flag, text, True) for flag in FLAGS for text in ("t", "True", "1", "y", "yes")],
        *[(flag, text, False) for flag in FLAGS for text in ("f", "FALSE", "0", "n", "no")],
    ],
)
def test_what_is_possible(name: str, text: str, value: object) -> None:
    assert parse({name: text}) == Options()._replace(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "wants"),
    [
        *[
            (name, text, "give one name, or several with commas between them")
            for name in (*FIELDS, "source", "product")
            for text in ("", " , ")
        ],
        *[(name, text, "") for name in FIELDS for text in ("mitre*", "a,*")],
        ("kind", "", "give one name, or several with commas between them"),
        *[
            ("kind", text, f"give benign, generic, advice, actor, {SEVERAL}")
            for text in ("placeholder", "benign generic", "benign,x")
        ],
        ("evidence", "", "give one name, or several with commas between them"),
        *[
            ("evidence", text, f"give fits, resembles, open, contradicts, {SEVERAL}")
            for text in ("fit", "fits open", "fits,x", "harmless")
        ],
        ("match", "fuzzy", "give one of auto, rule, technique, exact"),
        ("match", "", "give one of auto, rule, technique, exact"),
        ("output", "{}", "give one of brief, full"),
        *[
            ("max", text, "give a whole number from 1 to 50")
            for text in ("0", "51", "-1", "+1", "1.0", "", "many", "\u0663", "1e1", "9" * 5000)
        ],
        *[("max", text, "give a whole number from 1 to 50") for text in ("00000199", "0" * 9)],
        ("min_score", "101", "give a whole number from 0 to 100"),
        ("min_score", "0000000101", "give a whole number from 0 to 100"),
        *[
            (
                "prefix",
                text,
                "begin with a letter, go on with letters, digits and _, at most 50",
            )
            for text in ("", "1", "_x", "a b", "a-b", "a{}", "\u00fc", "x" * 51, "a\nb")
        ],
        *[(name, "perhaps", "give true or false") for name in FLAGS],
    ],
)
def test_what_is_not_possible_gets_one_sentence(name: str, text: str, wants: str) -> None:
    with pytest.raises(SearchError) as error:
        parse({name: text})
    sentence = str(error.value)
    assert sentence.startswith(f'{name}="{text.strip()[:100]}" is not possible: {wants}')
    assert sentence.endswith(".")
    assert len(sentence) < 300


def test_an_unknown_option_gets_the_names_of_all() -> None:
    with pytest.raises(SearchError) as error:
        parse({"colour": "blue"})
    assert str(error.value) == (
        "colour is no option of lofpenrich; it knows technique_field, rule_field, context_fields, "
        "source, product, kind, evidence, match, output, max, min_score, prefix, expand, narrow, "
        "distributed."
    )


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30) | st.from_regex(r"[0-9]{1,9}")))
def test_whatever_is_given_it_is_options_or_one_sentence(arguments: dict[str, str]) -> None:
    try:
        options = parse(arguments)
    except SearchError:
        return
    assert 1 <= options.max <= 50
    assert 0 <= options.min_score <= 100
    assert options.prefix.isidentifier()
    for name in LISTS:
        values = getattr(options, name)
        assert len(values) == len(set(values))
        assert all(value == value.strip() != "" for value in values)
        assert bool(values) or name not in arguments
