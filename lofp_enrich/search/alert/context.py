"""What an alert is about: the words and the product that its fields give away."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from lofp_enrich.search.alert.platform import products_in
from lofp_enrich.search.alert.words import words

PRODUCT_FIELDS = ("vendor_product", "sourcetype", "index", "product", "vendor")
"""Fields that say which log an alert comes from; `source` is among the rule fields."""

CONTEXT_FIELDS = (
    # what ran
    "process",
    "process_name",
    "process_path",
    "parent_process",
    "parent_process_name",
    "CommandLine",
    "Image",
    "ParentImage",
    # what it touched
    "file_name",
    "file_path",
    "registry_path",
    "service_name",
    "object",
    "object_category",
    "object_path",
    "dest_service",
    # what was asked of a service
    "command",
    "action",
    "app",
    "change_type",
    "eventName",
    "eventSource",
    "operation",
    "user_agent",
    "http_user_agent",
    "url",
    # what the alert says of itself
    "signature",
    "signature_id",
    "EventCode",
    "EventID",
    "rule_description",
    "savedsearch_description",
    "risk_message",
    "description",
    "message",
    *PRODUCT_FIELDS,
)
"""The CIM's names first, then those of Sysmon, Windows, CloudTrail and Enterprise Security."""


class Context(NamedTuple):
    """An alert as the ranking sees it."""

    words: dict[str, str]
    """Stem -> the word as the alert has it."""
    products: frozenset[str]


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(words(text).items())


def context_of(values: Mapping[str, tuple[str, ...]]) -> Context:
    """The context that the fields of an alert (name -> values) give."""
    found: dict[str, str] = {}
    products: set[str] = set()
    for field, texts in values.items():
        for text in texts:
            for stem, word in _words(text):
                found.setdefault(stem, word)
            if field in PRODUCT_FIELDS:
                products |= products_in(text)
    return Context(found, frozenset(products))
