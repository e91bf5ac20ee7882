"""One name for each product."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.platform import PRODUCT_WORDS, products_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", {"windows"}),
        ("WinEventLog:Security", {"windows"}),
        ("aws:cloudtrail", {"aws"}),
        ("Amazon Web Services", {"aws", "web"}),
        ("azure:monitor:aad", {"azure"}),
        ("o365:management:activity", {"m365"}),
        ("Microsoft Office 365", {"m365"}),
        ("gws:reports:admin", {"google_workspace"}),
        ("Google Workspace", {"google_workspace"}),
        ("Google Cloud Platform", {"gcp"}),
        ("google:gcp:pubsub:message", {"gcp"}),
        ("OktaIM2:log okta", {"okta"}),
        ("linux_secure", {"linux"}),
        ("kube:container:audit", {"kubernetes", "containers"}),
        ("cisco:asa", {"cisco"}),
        ("stash", set()),
        ("main", set()),
        ("winter panther", set()),
    ],
)
def test_products(text: str, expected: set[str]) -> None:
    assert products_in(text) == products_in(text.upper()) == expected


def test_every_product_goes_by_its_own_name_and_words() -> None:
    for product, names in PRODUCT_WORDS.items():
        for name in (product, *names.split()):
            assert product in products_in(f"x:{name}:y"), name


@given(st.text())
def test_whatever_the_text(text: str) -> None:
    assert products_in(text) <= PRODUCT_WORDS.keys()


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert products_in("x " * 1000 + "okta") == set()
