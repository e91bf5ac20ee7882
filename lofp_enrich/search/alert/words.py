"""Text as words: how an alert and a statement are made comparable."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_TEXT = 4096
"""Characters of one value that are read: a script block's first page says what it is about."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NAME = re.compile(r"[A-Za-z0-9]+")
_SUFFIXES = ("ations", "ation", "ings", "ing", "ions", "ion", "ied", "ies", "ers", "er", "ed", "es")
_REMEMBERED = 10_000
"""Words whose parts and stem are remembered: what people write has few thousand, and each alert
brings numbers that no other has."""
_STEM = 4
"""A suffix is cut off only where at least so many letters stay."""

STOP_WORDS = frozenset(
    """
    a about after again all also although an and any are as at be because been before being
    both but by can cannot could did do does doing done due during each either etc every few
    for from further had has have having he her here his how however i if in into is it its
    itself just like may me might more most much must my no nor not of off often on once one
    only or other our out over own per same she should so some such than that the their them
    then there these they this those through to too two under until up upon us use used user
    users uses using very via was we well were what when where whether which while who whom
    why will with within without would you your

    exe dll sys bat cmd ps1 com www http https html

    false positive positives legitimate legitimately activity activities alert alerts detect
    detects detected detection detections identify identifies identified behavior behaviour
    adversary adversaries attacker attackers malicious suspicious potential potentially
    possible possibly known event events rule analytic following leverages confirmed
    environment expected unusual organization
    """.split()
)
"""English, then endings of names (`powershell.exe` is PowerShell), then what all rules say."""


def words(text: str) -> dict[str, str]:
    """The distinct words of `text`, stem -> the word as it stands there (lower case), in order.

    Identifiers are split the way people write them: `AssumeRoleWithSAML` is assume, role, saml;
    `io.k8s.core.v1.pods.create` is io, k8s, core, v1, pods, create. One-letter words, numbers of
    one or two digits and words that say nothing are left out.
    """
    found: dict[str, str] = {}
    for name in names_in(text):
        for word in _parts(name):
            found.setdefault(stem(word), word)
    return found


def names_in(text: str) -> list[str]:
    """The identifiers in a text: what stands between all that is neither letter nor digit."""
    return _NAME.findall(text[:MAX_TEXT])


def words_of_name(name: str) -> dict[str, str]:
    """The `words` of one of `names_in` a text, not remembered here."""
    found: dict[str, str] = {}
    for word in _split(name):
        found.setdefault(_cut(word), word)
    return found


def _split(name: str) -> tuple[str, ...]:
    """The words in an identifier; PowerShell is also powershell, as the program is called."""
    parts = _CAMEL.sub(" ", name).lower().split()
    if 1 < len(parts) < 4:
        parts.append(name.lower())
    return tuple([word for word in parts if _says_something(word)])


_parts = lru_cache(maxsize=_REMEMBERED)(_split)


def _says_something(word: str) -> bool:
    return len(word) > 1 and word not in STOP_WORDS and (len(word) > 2 or not word.isdigit())


def _cut(word: str) -> str:
    """`word` without its ending, so that `creates`, `created` and `creating` meet at `creat`."""
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > _STEM:
        word = word[:-1]
    for suffix in _SUFFIXES if word.endswith(_SUFFIXES) else ():
        if word.endswith(suffix) and len(word) - len(suffix) >= _STEM:
            return word[: -len(suffix)]
    return word[:-1] if word.endswith("e") and len(word) > _STEM else word


stem = lru_cache(maxsize=_REMEMBERED)(_cut)
