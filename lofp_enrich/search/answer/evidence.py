"""What speaks for an explanation and against it, in the alert itself.

Nearness says that an explanation is about such alerts, evidence whether it is about this one. It
is never a verdict: what fits is still a question to check.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lofp_enrich.search.alert.detection import Met, meets
from lofp_enrich.search.alert.reach import folded, has_folder
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.knowledge.behaviour import BROUGHT_ALONG, RUNS_ANYTHING
from lofp_enrich.search.knowledge.conditions import EntryConditions
from lofp_enrich.search.knowledge.software import Sighting, Software, SoftwareIndex

FITS, RESEMBLES, OPEN, CONTRADICTS = "fits", "resembles", "open", "contradicts"
STATES = (FITS, RESEMBLES, OPEN, CONTRADICTS)


class Evidence(NamedTuple):
    """How an explanation stands to the alert."""

    state: str
    because: str
    """The condition that decided, in words."""
    software: str = ""


def weigh(
    wanted: EntryConditions, alert: Alert, sightings: Sequence[Sighting], index: SoftwareIndex
) -> Evidence:
    """How an entry's conditions stand to an alert."""
    name = _name(wanted, index)
    for each in wanted.contradicts:
        met = meets(each, alert)
        if met.truth:
            return Evidence(CONTRADICTS, met.because, name)
    if wanted.fits or wanted.software:
        met = _joined(_software_met(wanted, alert, sightings, index), meets(wanted.fits, alert))
        if met.truth is False:
            return Evidence(CONTRADICTS, met.because, name)
        if met.truth:
            beyond = met.beyond and wanted.at_most != RESEMBLES and not _is_brought(wanted, index)
            return Evidence(FITS if beyond else RESEMBLES, met.because, name)
        return Evidence(OPEN, met.because, name)
    return Evidence(OPEN, "", name)


def _joined(one: Met, other: Met) -> Met:
    """Two conditions as one that holds as a whole."""
    for truth in (False, None):
        for met in (one, other):
            if met.truth is truth:
                return met
    because = "; ".join(met.because for met in (one, other) if met.because)
    return Met(True, because, one.beyond or other.beyond)


def _software_met(
    wanted: EntryConditions, alert: Alert, sightings: Sequence[Sighting], index: SoftwareIndex
) -> Met:
    """Whether the software stands in its role."""
    if not wanted.software:
        return Met(True, "")
    role = wanted.role or "process"
    seen = [each for each in sightings if each.role == role and each.key in wanted.software]
    for each in seen:
        if each.place in ("own", "named"):
            category = (index.product(each.key) or _NOBODY).category
            safe = role != "parent" or category not in RUNS_ANYTHING or bool(wanted.fits)
            return Met(True, each.because, each.beyond and safe)
    for each in seen:
        if each.place == "wrong":
            return Met(False, f"{each.because}, which is not its folder")
        return Met(None, f"{each.because}: the alert does not say where it lies")
    attribute = role if role in ("process", "parent") else ""
    values = alert.get(attribute) if attribute else ()
    if values and has_folder(folded(values[0])):
        return Met(False, f"{attribute} is {values[0][:120]}")
    return Met(None, f"the alert does not say the {attribute or 'software'}")


def _is_brought(wanted: EntryConditions, index: SoftwareIndex) -> bool:
    """Whether intruders bring such programs along, installed as they should be."""
    known = (index.product(key) for key in wanted.software if wanted.role != "caller")
    return any(each.category in BROUGHT_ALONG for each in known if each)


_NOBODY = Software("", "", "", "", (), ())


def _name(wanted: EntryConditions, index: SoftwareIndex) -> str:
    names = (index.product(key) for key in wanted.software)
    return ", ".join(each.name for each in names if each)
