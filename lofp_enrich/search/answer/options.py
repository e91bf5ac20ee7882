"""The options of the command: what a search may ask for, checked before the first event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from lofp_enrich.search.errors import SearchError

STATED = ("benign", "generic", "advice")
"""Kinds of what somebody has stated."""
KINDS = (*STATED, "actor")
"""The last is known software that an alert shows, which nobody has to state."""
EVIDENCE = ("fits", "resembles", "open", "contradicts")
MATCHES = ("auto", "rule", "technique", "exact")
MAX_EXPLANATIONS = 50
"""More than this on one event is a report, not an answer: that is `| lookup lofp_techniques`."""

_TRUE = frozenset(("1", "t", "true", "y", "yes"))
_FALSE = frozenset(("0", "f", "false", "n", "no"))
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")


class Options(NamedTuple):
    """What a search asks for, with the defaults."""

    technique_field: tuple[str, ...] = ()
    """Fields that hold techniques, instead of what the alert reader finds; empty for that."""
    rule_field: tuple[str, ...] = ()
    """Fields that hold the rule's name, likewise."""
    context_fields: tuple[str, ...] = ()
    """Fields that say what the alert is about, besides what the alert reader finds."""
    source: tuple[str, ...] = ()
    """Only explanations of these sources; empty for all."""
    product: tuple[str, ...] = ()
    """Only explanations for these products, and those that name none; empty for all."""
    kind: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """Only explanations that stand so to the alert; empty for all."""
    match: str = "auto"
    output: str = "brief"
    max: int = 3
    min_score: int = 1
    """Only 0 shows what is about another platform than the alert, or shares nothing with what the
    alert says."""
    prefix: str = "lofp_"
    expand: bool = False
    narrow: bool = True
    distributed: bool = False


NAMES = Options._fields
FIELDS = ("technique_field", "rule_field", "context_fields")
"""Options that name fields of the alerts."""
LISTS = (*FIELDS, "source", "product", "kind", "evidence")
"""Options that take several names with commas between them."""


def parse(arguments: Mapping[str, str]) -> Options:
    """The options from `name=value` arguments.

    Raises SearchError, which names the option, what was given and what is possible.
    """
    values: dict[str, object] = {}
    for name, text in arguments.items():
        if name not in _PARSERS:
            raise SearchError(f"{name} is no option of lofpenrich; it knows {', '.join(NAMES)}.")
        values[name] = _PARSERS[name](name, text.strip())
    options = Options(**values)  # type: ignore[arg-type]
    for name in FIELDS:
        for field in getattr(options, name):
            if field.startswith(options.prefix):
                wants = (
                    f"what begins with {options.prefix} is written, not read; set another prefix"
                )
                raise _refuse(name, field, wants)
    return options


def _refuse(name: str, text: str, wants: str) -> SearchError:
    return SearchError(f'{name}="{text[:100]}" is not possible: {wants}.')


def _names(name: str, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise _refuse(name, text, "give one name, or several with commas between them")
    if "*" in text:
        raise _refuse(name, text, "give whole names, without *")
    return names


def _lower_names(name: str, text: str) -> tuple[str, ...]:
    return _names(name, text.lower())


def _some_of(*choices: str):  # type: ignore[no-untyped-def]
    def parse_choices(name: str, text: str) -> tuple[str, ...]:
        chosen = _lower_names(name, text)
        if not set(chosen) <= set(choices):
            wants = f"give {', '.join(choices)}, or several with commas between them"
            raise _refuse(name, text, wants)
        return chosen

    return parse_choices


def _one_of(*choices: str):  # type: ignore[no-untyped-def]
    def parse_choice(name: str, text: str) -> str:
        if text.lower() not in choices:
            raise _refuse(name, text, f"give one of {', '.join(choices)}")
        return text.lower()

    return parse_choice


def _whole(low: int, high: int):  # type: ignore[no-untyped-def]
    def parse_whole(name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 7 and low <= int(text) <= high):
            raise _refuse(name, text, f"give a whole number from {low} to {high}")
        return int(text)

    return parse_whole


def _flag(name: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise _refuse(name, text, "give true or false")


def _prefix(name: str, text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise _refuse(
            name, text, "begin with a letter, go on with letters, digits and _, at most 50"
        )
    return text


_PARSERS = {
    "technique_field": _names,
    "rule_field": _names,
    "context_fields": _names,
    "source": _lower_names,
    "product": _lower_names,
    "kind": _some_of(*KINDS),
    "evidence": _some_of(*EVIDENCE),
    "match": _one_of(*MATCHES),
    "output": _one_of("brief", "full"),
    "max": _whole(1, MAX_EXPLANATIONS),
    "min_score": _whole(0, 100),
    "prefix": _prefix,
    "expand": _flag,
    "narrow": _flag,
    "distributed": _flag,
}
