"""Investigation guides: which items a section lists, and how they look without marks."""

from __future__ import annotations

import re

import pytest

from lofp_enrich.sources import markdown

HEADING = re.compile("false positive", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("### False positive analysis\n\n- a\n- b\n\n### Response\n\n- c", ["a", "b"]),
        ("### False Positive Analysis:\n* a\n* b", ["a", "b"]),
        ("## False positives\n- a\n### More\n- b\n## Other\n- c", ["a", "b"]),
        ("### False positives\n- a\n# Higher\n- b", ["a"]),
        ("### False positives\n- a\n  goes on\n- b", ["a goes on", "b"]),
        ("### False positives\n- a\n  - nested\n    - deeper", ["a", "nested", "deeper"]),
        ("### False positives\n\nOnly a paragraph.\n", ["Only a paragraph."]),
        ("### False positives\nThese are known:\n- a", ["These are known:", "a"]),
        ("### False positives\n- a\n\nValidate the change.\n\n- b", ["a", "b"]),
        (
            "### False positives\n- a\n\n  its second paragraph\n- b",
            ["a its second paragraph", "b"],
        ),
        ("### False positives\n\n### Response\n- a", []),
        ("### False positives\n- a\n### Other\n- b\n### False positives\n- c", ["a", "c"]),
        ("- false positive\n### Steps\n- a", []),
        ("### False positives\n-no bullet\n- a", ["-no bullet", "a"]),
        ("", []),
    ],
)
def test_items(text: str, expected: list[str]) -> None:
    assert [" ".join(item.split()) for item in markdown.items(text, HEADING)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing  to\ndo", "nothing to do"),
        ("**Bold**: and *more* and __this__ and _that_", "Bold: and more and this and that"),
        ("run `vssadmin.exe` now", "run vssadmin.exe now"),
        ("``code`` marks", "code marks"),
        ("see [the manual](https://example.com/a_b) here", "see the manual here"),
        ("![chart](a.png)", "chart"),
        ("press $investigate_0 or $osquery_12", "press or"),
        ("`C:\\*\\a_b_c*` and *this*", "C:\\*\\a_b_c* and this"),
        ("*.exe and *.dll", "*.exe and *.dll"),
        ("a_file_name and TEMP_DIR_", "a_file_name and TEMP_DIR_"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("list[0](see below)", "list[0](see below)"),
        ("**not closed", "**not closed"),
        ("`not closed", "`not closed"),
        ("a\0b", "ab"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert markdown.plain(text) == expected


@pytest.mark.parametrize("piece", ["**a ", "*a ", "_a ", "[a", "[a](", "`", "![", "$investigate_"])
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    markdown.plain(piece * 100_000)
