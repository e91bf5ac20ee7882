"""Known software in an alert, as explanations of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.answer.evidence import (
    CONTRADICTS,
    FITS,
    OPEN,
    RESEMBLES,
    STATES,
    Evidence,
)
from lofp_enrich.search.answer.ownwork import Scene, behaviour
from lofp_enrich.search.knowledge.behaviour import CHECK, CHECKS
from lofp_enrich.search.knowledge.software import Sighting, Software, SoftwareIndex


class Actor(NamedTuple):
    """Known software in an alert, as an explanation of its own."""

    software: Software
    role: str
    what: str
    """Its behaviour that the alert shows; empty where none is known."""
    evidence: Evidence


def actors(index: SoftwareIndex, sightings: Sequence[Sighting], alert: Alert) -> list[Actor]:
    """The software that an alert shows: masquerades first, then what fits, then the rest."""
    at_home = {(each.key, each.role) for each in sightings if each.beyond and each.place == "own"}
    found: dict[str, Actor] = {}
    for sighting in sightings:
        software = index.product(sighting.key)
        if software is None:
            continue
        family = {(software.key, "process"), (software.key, "parent")} <= at_home
        actor = _weighed(Scene(software, sighting, index, alert, family))
        held = found.get(software.key)
        if held is None or _order(actor) < _order(held):
            found[software.key] = actor
    told = (each for each in found.values() if _tells(each))
    return sorted(told, key=lambda each: (_order(each), each.software.key))


def _order(actor: Actor) -> int:
    state = actor.evidence.state
    return -1 if state == CONTRADICTS else STATES.index(state)


def _tells(actor: Actor) -> bool:
    """Nearly everything has a part of the system as its parent, which alone explains nothing."""
    if actor.software.category != "operating-system":
        return True
    return bool(actor.what) and actor.evidence.state != OPEN


def _weighed(scene: Scene) -> Actor:
    software, sighting = scene.software, scene.sighting
    if sighting.place == "wrong" and sighting.role != "registered":
        because = f"named like {software.name}, but {sighting.because}, which is not its folder"
        return Actor(software, sighting.role, "", Evidence(CONTRADICTS, because, software.name))
    what, met, enough, signed = behaviour(scene)
    because = sighting.because + (f"; {met.because}" if met.because else "")
    if sighting.place == "open":
        state, because = OPEN, f"{sighting.because}: the alert does not say where it lies"
    elif met.truth and enough and (sighting.beyond or signed):
        state = FITS
    else:
        state = OPEN if met.truth is None else RESEMBLES
    return Actor(software, sighting.role, what, Evidence(state, because, software.name))


def statement_of(actor: Actor) -> str:
    """The explanation in words: one product, from our list, never the alert's own path."""
    software, role = actor.software, actor.role
    place = {
        "process": "is what ran",
        "parent": "is the parent",
        "caller": "is the caller",
        "installed": "is what is installed",
        "loaded": "is what is loaded",
        "registered": "is what is to start",
    }[role]
    kind = software.category.replace("-", " ")
    if actor.evidence.state == CONTRADICTS:
        return (
            f"A program named like {software.name} ({kind}) lies where that product is not"
            " installed."
        )
    shown = actor.what and actor.evidence.state != OPEN
    what = f": {actor.what}" if shown else ""
    return f"{software.name} ({kind}) {place}{what}."


def check_of(actor: Actor) -> str:
    """What to look at beyond the alert."""
    return f"In {actor.software.name}: {CHECKS.get(actor.software.category, CHECK)}."
