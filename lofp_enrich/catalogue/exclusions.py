"""What rules leave out by name, as explanations of other rules' alerts.

Whoever wrote `filter_optional_avast` into a rule had seen Avast set it off. What he wrote there, in
the rule's fields, is translated to the attributes of an alert; the rule is cited for it. The words
are ours, the values are the rule's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from lofp_enrich.catalogue import software
from lofp_enrich.model import Conditions, Exclusion, FalsePositive, Rule
from lofp_enrich.search.alert.detection import condition
from lofp_enrich.search.alert.programs import INTERPRETERS
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.behaviour import (
    BROUGHT_ALONG,
    CHECK,
    CHECKS,
    COMMANDED,
    RUNS_ANYTHING,
    TALKS,
)

FIELDS = {
    "Image": "process",
    "SourceImage": "process",
    "ProcessName": "process",
    "ProcessPath": "process",
    "ApplicationPath": "process",
    "ModifyingApplication": "process",
    "ParentImage": "parent",
    "SourceParentImage": "parent",
    "CommandLine": "command_line",
    "ParentCommandLine": "parent_command_line",
    "TargetFilename": "file",
    "TargetImage": "object",
    "ImageLoaded": "object",
    "PipeName": "object",
    "TargetObject": "registry",
    "Details": "registry_data",
    "ImagePath": "service",
    "ServiceFileName": "service",
    "QueryName": "domain",
    "DestinationHostname": "domain",
    "DestinationIp": "dest_ip",
    "User": "user",
}
"""Sigma's field -> the attribute of an alert that holds it. What is not here is not translated."""
_GENERAL = frozenset(
    "appdata directories empty files folder folders generic generics localhost main null other"
    " others path paths program programdata programfiles programs public script scripts sys"
    " system system32 syswow64 temp tmp unknown user users windows".split()
)
"""Words of filters' names that name no software."""
_NETWORK = frozenset(("dns_query", "network_connection"))
_NUMBER = re.compile(r"(?:_\d+)+$")
_PART = re.compile(r"[^a-z0-9]+")
_MOST = 220
"""Characters of a statement that say where the software is left out."""
Product = Mapping[str, Any]


def statements(rule: Rule) -> list[FalsePositive]:
    """A rule's exclusions that name software and could be translated, as statements."""
    found = (_statement(each, rule) for each in rule.exclusions)
    return [each for each in found if each is not None]


def _statement(exclusion: Exclusion, rule: Rule) -> FalsePositive | None:
    items = _translated(exclusion)
    if not items:
        return None
    product = _product(exclusion, items)
    name = str(product["name"]) if product else _name(exclusion, items)
    if not name:
        return None
    category = str(product["category"]) if product else ""
    limited = _never_fits(items, category, rule.logsource.category)
    return FalsePositive(
        f"{name}: detection rules leave it out where {_words(items)}.",
        check=f"In {name}: {CHECKS.get(category, CHECK)}.",
        conditions=Conditions(
            fits=json.dumps(items, sort_keys=True, ensure_ascii=False),
            at_most="resembles" if limited else "",
            exclusion=True,
        ),
    )


def _translated(exclusion: Exclusion) -> dict[str, Any]:
    """Its items on the attributes of an alert; none where one of them has no such attribute, for
    without it the others would say more than the rule does."""
    found: dict[str, Any] = {}
    for key, value in json.loads(exclusion.items or "{}").items():
        field, *modifiers = key.split("|")
        attribute = "|".join([FIELDS.get(field, ""), *modifiers])
        if field not in FIELDS or attribute in found:
            return {}
        found[attribute] = value
    try:
        condition(found)
    except SearchError:
        return {}
    return found


def _product(exclusion: Exclusion, items: Mapping[str, Any]) -> Product | None:
    """The known product that a filter means: by its name, else by the one program in it."""
    by_name, by_program = _known()
    name = _NUMBER.sub("", exclusion.name.lower()).replace("_", " ").strip()
    if name in by_name:
        return by_name[name]
    programs = _programs(items, "process", "parent")
    found = {by_program[each]["key"]: by_program[each] for each in programs & {*by_program}}
    return next(iter(found.values())) if len(found) == 1 else None


@lru_cache(maxsize=1)
def _known() -> tuple[dict[str, Product], dict[str, Product]]:
    """The products by what they are called, and by programs that are theirs alone."""
    names: dict[str, list[Product]] = {}
    programs: dict[str, list[Product]] = {}
    for product in software.products():
        called = (product["name"], product["key"].replace("-", " "), *product.get("aliases", ()))
        for each in {str(one).lower() for one in called}:
            names.setdefault(each, []).append(product)
        for each in {str(one).lower() for one in product.get("processes", ())}:
            programs.setdefault(each, []).append(product)
    return _alone(names), _alone(programs)


def _alone(found: Mapping[str, list[Product]]) -> dict[str, Product]:
    return {each: products[0] for each, products in found.items() if len(products) == 1}


def _programs(items: Mapping[str, Any], *attributes: str) -> set[str]:
    """The names of programs, where whole ones are written."""
    values = (
        text
        for key, value in items.items()
        if key.partition("|")[0] in attributes
        and key.rpartition("|")[2] in (*attributes, "endswith")
        for text in _texts(value)
    )
    return {text.replace("/", "\\").rpartition("\\")[2].lower() for text in values}


def _name(exclusion: Exclusion, items: Mapping[str, Any]) -> str:
    """What a filter calls software that nobody knows here: a name that its own values have."""
    words = [each for each in _NUMBER.sub("", exclusion.name.lower()).split("_") if each]
    values = " ".join(text.lower() for value in items.values() for text in _texts(value))
    parts = set(_PART.split(values))
    told = [each for each in words if len(each) > 3 and each not in _GENERAL and each in parts]
    return " ".join(words).capitalize() if told and _GENERAL.isdisjoint(words) else ""


def _never_fits(items: Mapping[str, Any], category: str, logsource: str) -> bool:
    """Whether an intruder can have such software do it (see `search.knowledge.behaviour`)."""
    named = {key.partition("|")[0] for key in items}
    if category in BROUGHT_ALONG or category in ("operating-system", "installer"):
        return True
    if not COMMANDED.isdisjoint(_programs(items, "process", "parent")):
        return True
    if "parent" in named and not _tells(items):
        shell = not INTERPRETERS.isdisjoint(_programs(items, "process"))
        return shell or ("process" not in named and (not category or category in RUNS_ANYTHING))
    return category in TALKS and logsource in _NETWORK


def _tells(items: Mapping[str, Any]) -> bool:
    """Whether a command line is asked for that is more than the name of what runs it."""
    return any(
        text.strip("\"' ").replace("/", "\\").rpartition("\\")[2].lower() not in INTERPRETERS
        for key, value in items.items()
        if key.partition("|")[0] == "command_line"
        for text in _texts(value)
    )


def _words(items: Mapping[str, Any]) -> str:
    """`the parent ends with \\x.exe and the command line contains y`."""
    said = []
    for key, value in items.items():
        attribute, *modifiers = key.split("|")
        how = {"startswith": "begins with", "endswith": "ends with", "contains": "contains"}
        verb = next((how[each] for each in modifiers if each in how), "is")
        texts = [" ".join(text.split()) for text in _texts(value)]
        joined = (" and " if "all" in modifiers else " or ").join(texts[:2])
        more = f" or {len(texts) - 2} more" if len(texts) > 2 else ""
        said.append(f"the {attribute.replace('_', ' ')} {verb} {joined}{more}")
    text = " and ".join(said)
    return text if len(text) <= _MOST else text[:_MOST].rpartition(" ")[0] + " and so on"


def _texts(value: Any) -> Iterator[str]:
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    yield from map(str, values)
