"""An alert as the ranking sees it: its words, each by the worth of where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from lofp_enrich.search.alert.often import RARITY
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.alert.words import names_in, words, words_of_name

WORTH = {
    "process": 1.0,
    "original_file_name": 1.0,
    "operation": 1.0,
    "service": 1.0,
    "invoked_by": 1.0,
    "title": 1.0,
    "rule": 1.0,
    "signature": 0.8,
    "file": 0.8,
    "registry": 0.8,
    "app": 0.8,
    "object": 0.8,
    "image": 0.8,
    "parent": 0.6,
    "command_line": 0.8,
    "user_agent": 0.8,
    "description": 0.7,
    "url": 0.6,
    "domain": 0.6,
    "parent_command_line": 0.4,
    "event_code": 0.5,
    "signer": 0.3,
}
_LAST_ANCHOR = "parent"
"""Attributes whose words count, the worthiest first, and how much; those of no other do."""
MOST = 80
"""Words of an alert that are looked up: what comes after them is worth less than they are."""
_PER_ATTRIBUTE = 40
_READ = 2_000
"""Characters of a value whose words count."""
_SHORT = 300
"""Characters of a value whose words are remembered."""
_RAN = frozenset(("command_line", "hash"))
"""Attributes that say what ran, or which file, whatever they hold."""
_FILES = ("process", "parent", "file", "registry", "description")
_PATH = re.compile(
    r"\\[^\\\s]+\\|/(?:usr|opt|etc|tmp|var|bin|home|Users|Library)/|HK(?:EY_|LM|CU)",
    re.IGNORECASE,
)
"""A path, or a key of the registry."""
_OUTCOMES = frozenset(
    "alert alerted allow allowed audit block blocked cleaned contained created delete deleted"
    " deny denied detect detected drop dropped error fail failed failure log logged modified"
    " none permit permitted prevented quarantine quarantined read reject rejected success"
    " succeeded unknown update updated updating".split()
)
"""What came of it, which many products call the action."""
_PLACES = frozenset(
    words(
        "windows system32 syswow64 wow64 program file x86 users appdata local roaming temp tmp usr"
        " bin sbin programdata public currentversion currentcontrolset hklm hkcu hku hkey machine"
        " software microsoft device harddisk harddiskvolume volume desktop default var opt home"
        " root nt os win windowspowershell power wbem example corp contoso org local localhost test"
    )
)
"""Parts of nearly every path, and of names made up for an example: they tell nothing apart."""
_WORTH_OF_SAID = 0.3
"""What a word is worth that stands in the name of the alert's technique."""
_PATHS = frozenset(("process", "parent", "file", "registry"))
_SLASH = re.compile(r"[\\/]+")
_ENCODED = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[A-Za-z0-9+=]{32,}|\b(?:Current)?ControlSet\d*\b|\bCurrentVersion\b"
)
_DASHES, _LONG = 4, 32
"""Dashes in a GUID, characters of the shortest encoded text."""
_SYSMON = re.compile(r"\btechnique_(?:id|name)=")
"""What Sysmon's configurations write into RuleName."""
_NOISE = re.compile(r"[0-9a-f]{8,}|[a-z]*[0-9][a-z0-9]{11,}|[a-z]{25,}|v?[0-9]{1,3}|t[0-9]{4}")
"""Parts of hashes, GUIDs and encoded text, and numbers of versions."""

_Said = tuple[str, str, float]
"""A stem, the word as it stands there, and how far that sets an alert apart from others."""


class Context(NamedTuple):
    """What is compared with an explanation."""

    words: dict[str, str]
    """Stem -> the word as the alert has it, the worthiest first."""
    worth: dict[str, float]
    """Stem -> what it is worth there, 0 to 1."""
    tells: dict[str, float]
    """Stem -> how far it sets this alert apart from others, 0 to 1."""
    platform: frozenset[str]
    anchors: frozenset[str]
    """The stems that say what ran, what was done, or what it was called, not how."""
    bare: bool
    """It says nothing but its technique."""
    ran: bool
    """The alert says what ran, or what was done: an explanation should speak of it."""


def context_of(alert: Alert, techniques: Iterable[str] = ()) -> Context:
    """The context of an alert, given the names of its techniques.

    The words of these are worth little: whatever stands under a technique speaks of it.
    """
    said = _said(tuple(techniques))
    found: dict[str, str] = {}
    worth: dict[str, float] = {}
    tells: dict[str, float] = {}
    anchors: frozenset[str] = frozenset()
    for attribute, each in WORTH.items():
        left = _PER_ATTRIBUTE
        for text in alert.values.get(attribute, ()):
            for stem, word, rarity in _words_of(attribute, text[:_READ]):
                if stem not in found and left and len(found) < MOST:
                    found[stem], worth[stem] = word, each
                    tells[stem] = rarity * _WORTH_OF_SAID if stem in said else rarity
                    left -= 1
        if attribute == _LAST_ANCHOR:
            anchors = frozenset(found)
    ran = _says_what_ran(alert)
    bare = all(stem in said or found[stem].isdigit() for stem in found) and not (ran and not found)
    return Context(found, worth, tells, frozenset(alert.platform), anchors, bare, ran)


def _says_what_ran(alert: Alert) -> bool:
    """Whether the alert says what ran or was done: then an explanation should speak of it."""
    values = alert.values
    if not values.keys().isdisjoint(_RAN):
        return True
    if any(_PATH.search(text[:_READ]) for each in _FILES for text in values.get(each, ())):
        return True
    return any(
        not text.isdigit() and text.lower() not in _OUTCOMES for text in alert.get("operation")
    )


def _told(attribute: str, text: str) -> str:
    """What of a value tells something: of a path its end, of a command line what is no encoding."""
    if attribute == "operation" and text.isdigit():
        return ""  # the code of an event, which counts as that
    if attribute in _PATHS:
        return " ".join(_SLASH.split(text)[-2:])
    if "technique_" in text:
        text = _SYSMON.sub(" ", text)
    return _ENCODED.sub(" ", text) if _may_be_encoded(text) else text


def _may_be_encoded(text: str) -> bool:
    """Whether `_ENCODED` may find something: nearly nowhere, and looking for it takes longest."""
    return (
        text.count("-") >= _DASHES
        or any(len(part) >= _LONG for part in text.split())
        or "ControlSet" in text
        or "CurrentVersion" in text
    )


def _words_of(attribute: str, text: str) -> Sequence[_Said]:
    """The words of a value; short values repeat from alert to alert, long ones are not kept."""
    find = _remembered if len(text) <= _SHORT else _found
    return find(attribute, text)


def _found(attribute: str, text: str) -> tuple[_Said, ...]:
    return _words(_told(attribute, text))


_remembered = lru_cache(maxsize=2048)(_found)


@lru_cache(maxsize=1024)
def _said(techniques: tuple[str, ...]) -> frozenset[str]:
    return frozenset(stem for name in techniques for stem, _, _ in _words(name))


def _words(text: str) -> tuple[_Said, ...]:
    found: dict[str, _Said] = {}
    for name in names_in(text):
        for each in _words_in(name):
            found.setdefault(each[0], each)
    return tuple([each for each in found.values() if each[2] >= 0])


@lru_cache(maxsize=4096)
def _words_in(name: str) -> tuple[_Said, ...]:
    """The words in an identifier; the noise among them sets an alert apart by less than nothing."""
    return tuple(
        [
            (stem, word, -1.0 if _is_noise(stem, word) else RARITY.get(stem, 1.0))
            for stem, word in words_of_name(name).items()
        ]
    )


def _is_noise(stem: str, word: str) -> bool:
    return stem in _PLACES or bool(_NOISE.fullmatch(word))
