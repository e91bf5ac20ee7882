"""What an alert is about."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.context import CONTEXT_FIELDS, PRODUCT_FIELDS, context_of

NAMED = """
process process_name parent_process_name file_name file_path registry_path service_name user_agent
http_user_agent app command action signature signature_id EventCode object object_category
change_type vendor_product sourcetype rule_description savedsearch_description description message
CommandLine Image
"""


def test_the_fields_of_the_common_information_model_are_read() -> None:
    assert set(NAMED.split()) <= set(CONTEXT_FIELDS)
    assert len(set(CONTEXT_FIELDS)) == len(CONTEXT_FIELDS)
    assert set(PRODUCT_FIELDS) <= set(CONTEXT_FIELDS)


def test_words_of_all_values_as_the_alert_first_has_them() -> None:
    found = context_of({"process": ("Backups", "x backup.exe"), "app": ("Deployed deploys",)})
    assert list(found.words.values()) == ["backups", "deployed"]
    assert found.products == frozenset()


def test_products_of_the_fields_that_say_so() -> None:
    values = {"sourcetype": ("aws:cloudtrail",), "vendor_product": ("Okta",), "process": ("linux",)}
    assert context_of(values).products == {"aws", "okta"}


def test_an_alert_without_fields_is_about_nothing() -> None:
    assert context_of({}) == context_of({"process": ("",)}) == ({}, frozenset())


@given(st.dictionaries(st.sampled_from(CONTEXT_FIELDS), st.lists(st.text()).map(tuple)))
def test_whatever_the_values(values: dict[str, tuple[str, ...]]) -> None:
    found = context_of(values)
    assert all(stem and word == word.lower() for stem, word in found.words.items())


def test_a_megabyte_costs_no_more_than_its_first_page() -> None:
    page = "word " * 2000
    assert context_of({"process": (page + "late " * 200_000,)}) == context_of({"process": (page,)})
