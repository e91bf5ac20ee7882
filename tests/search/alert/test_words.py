"""Text as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.words import MAX_TEXT, STOP_WORDS, stem, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("AssumeRoleWithSAML", ["assume", "role", "saml"]),
        ("io.k8s.core.v1.pods.create", ["io", "k8s", "core", "v1", "pods", "create"]),
        ("C:\\Windows\\System32\\reg.exe", ["windows", "system32", "reg"]),
        ("HKLM\\SOFTWARE\\Run", ["hklm", "software", "run"]),
        ("4624 12 1", ["4624"]),
        ("the user is a false positive", []),
        ("$dest$ `macro_filter`", ["dest", "macro", "filter"]),
        ("backup backups BACKUP", ["backup"]),
        ("MFADevice", ["mfa", "device", "mfadevice"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert list(words(text).values()) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("deployed", "deploys"),
        ("backups", "backup"),
        ("scanners", "scanning"),
        ("installer", "installed"),
    ],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("process", "processor"), ("user", "use"), ("as", "a")])
def test_other_words_do_not(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_the_program_and_its_name_share_a_word() -> None:
    assert words("powershell.exe").keys() & words("PowerShell").keys()


@given(st.text())
def test_whatever_the_text(text: str) -> None:
    found = words(text)
    for key, word in found.items():
        assert key == stem(word)
        assert word not in STOP_WORDS
        assert word in text.lower() or not text.isascii()
        assert len(word) >= 2
    assert words(text) == found
    # Only what can stand between "=" and ";" in lofp_ranking.csv.
    assert all(key.isalnum() for key in found)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=1))
def test_a_stem_begins_the_word(word: str) -> None:
    assert word.startswith(stem(word))
    assert len(stem(word)) >= min(len(word), 4)


def test_the_first_page_counts() -> None:
    assert "late" not in words("x" * 10 + " word" * MAX_TEXT + " late")
    assert "late" in words("word " * 100 + "late")
