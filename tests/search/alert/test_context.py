"""An alert as the ranking sees it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.context import MOST, WORTH, Context, context_of
from lofp_enrich.search.alert.fields import CONTEXT_FIELDS, TABLE
from lofp_enrich.search.alert.reader import read
from lofp_enrich.search.attack import Attack
from tests.conftest import ATTACK

TECHNIQUES = Attack.load(ATTACK)


def of(event: dict[str, Any], *techniques: str) -> Context:
    return context_of(read(event, TECHNIQUES), techniques)


def test_its_attributes_are_those_of_the_table() -> None:
    assert set(WORTH) <= {row.attribute for row in TABLE}


def test_words_of_the_worthiest_attributes_come_first() -> None:
    event = {"description": "Nightly archive", "process_name": "robocopy.exe", "app": "Veeam"}
    assert list(of(event).words.values()) == ["robocopy", "veeam", "nightly", "archive"]


def test_what_says_nothing_of_what_happened_gives_no_word() -> None:
    event = {
        "sourcetype": "XmlWinEventLog",
        "source": "http:streams",
        "index": "central",
        "user": "katherine",
        "host": "accounting7",
        "SHA256": "0" * 64,
        "FileVersion": "10.0.19041.1 (WinBuild.160101.0800)",
        "CommandLine": "x 5f0c24a1-8c1d-4c0e-9d55-4c54f0b7f3aa 1.2.3 "
        + "QWxhZGRpbjpvcGVuIHNlc2FtZQ" * 3,
    }
    assert of(event).words == {}


def test_generic_parts_of_a_path_give_no_word() -> None:
    path = "C:\\Program Files (x86)\\Microsoft\\Temp\\Acme Updater\\acmeupd.exe"
    assert list(of({"Image": path}).words.values()) == ["acme", "updater", "acmeupd"]


def test_words_of_the_techniques_name_tell_little() -> None:
    event = {"title": "Phishing by parcel"}
    assert of(event, "Phishing").tells["phish"] < of(event).tells["phish"] == 1.0


def test_what_half_of_all_alerts_say_tells_little() -> None:
    tells = of({"title": "Process execution of parcel"}).tells
    assert tells["process"] < 0.5 < tells["parcel"]


@pytest.mark.parametrize(
    ("event", "ran"),
    [
        ({"title": "Impossible travel"}, False),
        ({"process_name": "cmd.exe"}, False),
        ({"Image": "C:\\Windows\\System32\\cmd.exe"}, True),
        ({"CommandLine": "cmd /c ver"}, True),
        ({"SHA256": "0" * 64}, True),
        ({"description": "Value HKEY_LOCAL_MACHINE\\System\\X modified"}, True),
        ({"description": "Somebody opened /etc/shadow"}, True),
        ({"description": "Somebody opened the door"}, False),
        ({"action": "blocked"}, False),
        ({"eventName": "AssumeRole"}, True),
        ({"EventCode": "4688"}, False),
    ],
)
def test_whether_it_says_what_ran(event: dict[str, str], ran: bool) -> None:
    assert of(event).ran is ran


def test_an_alert_without_fields_is_about_nothing() -> None:
    assert of({}).words == of({"process": ("",)}).words == {}


@given(st.dictionaries(st.sampled_from(CONTEXT_FIELDS), st.lists(st.text()).map(tuple)))
def test_whatever_the_values(values: dict[str, tuple[str, ...]]) -> None:
    found = of(dict(values))
    assert found.words.keys() == found.worth.keys() == found.tells.keys()
    assert len(found.words) <= MOST
    assert all(stem and word == word.lower() for stem, word in found.words.items())


def test_a_megabyte_costs_no_more_than_its_first_page() -> None:
    page = "word " * 2000
    assert of({"description": page + "late " * 200_000}).words == {"word": "word"}
    assert of({"CommandLine": page + "late " * 200_000}) == of({"CommandLine": page})


def test_one_that_says_what_ran_and_no_word_of_it_is_not_bare() -> None:
    """It stands for some file, and an explanation of the technique alone is none of it."""
    assert of({"technique_id": "T1112"}).bare
    assert not of({"technique_id": "T1112", "SHA256": "0" * 64}).bare
