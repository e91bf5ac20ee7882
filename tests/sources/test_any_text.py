"""Whatever stands in a file, a parser gives rules and errors and raises nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.errors import RuleError
from lofp_enrich.model import Rule
from lofp_enrich.sources import SOURCES
from tests.conftest import examples
from tests.sources.test_read import DATA

PATHS = [
    *(("sigma", "a.yml"), ("elastic", "a.toml"), ("splunk", "a.yml"), ("escu", "a.conf")),
    *(("lofp", "a.md"), ("lofp", "a.html"), ("lofp", "a.txt"), ("entries", "a.yaml")),
    *(("lolrmm", "a.yaml"), ("entries", "a.csv")),
]
PIECES = [
    *("Name: N", "Details:", "Artifacts: {Disk: [{File: a}]}", "  InstallationPaths: ['C:\\*']"),
    *("  PEMetadata: [{Filename: [b]}]", "CodeSigning: {certificates: [c]}"),
    *("title: T", "id: i", "detection:", "falsepositives:", "tags:", "- attack.t1059", "  a: b"),
    *(
        "action: global",
        "---",
        "- statement: S",
        "  techniques: [T1]",
        "&a [*a]",
        "<<: *a",
        "? [a]",
    ),
    *(
        "[rule]",
        'name = "N"',
        'rule_id = "i"',
        "[[rule.threat]]",
        'note = """',
        '"""',
        "- x",
        "### F",
    ),
    *("name: N", "search: s", "known_false_positives:", "mappings:", "[E - N - Rule]", "a = {\\"),
    *(
        "action.correlationsearch.annotations = {}",
        "LoFP / t1",
        "TitleTags",
        "<table>",
        "<td>",
        "&#0;",
    ),
    *(
        "### T\n\n* **source**: [a](b)",
        "statement,techniques",
        '"S',
        "S,T1001",
        "\ufeff",
        "\0",
        "\x85",
    ),
    *(
        "!!python/object:a.b c",
        "\ud800",
        "\\",
        "\t",
        "{a: b}: c",
        "=",
        "0x",
        "2024-01-01",
        "~",
        "%YAML 9",
    ),
]
free = st.text(max_size=200)
shuffled = st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join)


def check(source: str, text: str, path: str) -> None:
    for result in SOURCES[source].parse(text, path):
        assert isinstance(result, (Rule, RuleError))
        if isinstance(result, Rule):
            assert result.title
            assert result.id
            assert all(" ".join(fp.text.split()) == fp.text != "" for fp in result.falsepositives)
        else:
            assert "\n" not in str(result)


@pytest.mark.parametrize(("source", "path"), PATHS)
@examples()
@given(text=free | shuffled)
def test_any_text(source: str, path: str, text: str) -> None:
    check(source, text, path)


@pytest.mark.parametrize("source", SOURCES)
@examples(50)
@given(data=st.data())
def test_a_good_file_with_a_piece_cut_out_or_put_in(source: str, data: st.DataObject) -> None:
    files = sorted(path for path in (DATA / source).rglob("*.*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    text = path.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    piece = data.draw(st.sampled_from(["", *PIECES]) | st.text(max_size=5))
    check(source, text[:start] + piece + text[end:], path.name)
