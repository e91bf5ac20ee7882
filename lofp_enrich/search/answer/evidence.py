"""What speaks for an explanation and against it, in the alert itself.

Nearness says that an explanation is about such alerts, evidence whether it is about this one. It
is never a verdict: what fits is still a question to check.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lofp_enrich.search.alert.detection import Met, meets
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.knowledge.behaviour import BROUGHT_ALONG, OWN_WORK, READS_LSASS, RUNS_ANYTHING, TALKS, doings_of
from lofp_enrich.search.knowledge.software import Doing, Sighting, Software, SoftwareIndex

FITS, RESEMBLES, OPEN, CONTRADICTS = "fits", "resembles", "open", "contradicts"
STATES = (FITS, RESEMBLES, OPEN, CONTRADICTS)

CHECKS = {
    "endpoint-management": "find the job or policy in its console that ran there at that time, and who deployed it",
    "edr": "find the action in its console, and whether an analyst or a policy started it",
    "antivirus": "find the scan or update in its console at that time",
    "backup": "find the job in its console, with this machine in it and that start time",
    "monitoring": "find the check or item in its console that runs this, and since when",
    "scanner": "find the scan in its console, with this target and time, and who ordered it",
    "rmm": "find the session in its console: which technician, which ticket, and whether the site licenses it",
    "remote-access": "ask who was connected, and whether the site licenses this product",
    "updater": "see which version was installed before and after, and from where it came",
    "browser": "see which extension or page asked for it, and who sat there",
    "ide": "see which project and extension ran it, and ask the developer",
    "ai-tool": "read the session's transcript on the machine, and ask who had given the task",
    "package-manager": "see its log for the package, its source and who installed it",
    "ci": "find the job, its commit and who triggered it",
    "iac": "find the run, its commit and who approved it",
    "cloud-service": "see in the service's own console or events what asked for it, and who set that up",
    "identity": "see its own audit log for who asked for it",
    "mdm": "find the command or profile in its console, and who sent it",
    "breach-simulation": "find the run in its console, with this machine and time",
    "forensics": "find the case it belongs to, and who collected",
}
_CHECK = "see in its own log or console whether it did this then, and ask whoever runs it"


class Evidence(NamedTuple):
    """How an explanation stands to the alert."""

    state: str
    because: str
    """The condition that decided, in words."""
    software: str = ""


class Actor(NamedTuple):
    """Known software in an alert, as an explanation of its own."""

    software: Software
    role: str
    what: str
    """Its behaviour that the alert shows; empty where none is known."""
    evidence: Evidence


def actors(index: SoftwareIndex, alert: Alert) -> list[Actor]:
    """The software that an alert shows: masquerades first, then what fits, then the rest."""
    sightings = list(index.sightings(alert))
    at_home = {(each.key, each.role) for each in sightings if each.beyond}
    found: dict[str, Actor] = {}
    for sighting in sightings:
        software = index.product(sighting.key)
        if software is None:
            continue
        family = {(software.key, "process"), (software.key, "parent")} <= at_home
        actor = _weighed(software, sighting, family, alert)
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
    return bool(actor.what) or actor.software.category != "operating-system"


def _weighed(software: Software, sighting: Sighting, family: bool, alert: Alert) -> Actor:
    if sighting.place == "wrong":
        because = f"named like {software.name}, but {sighting.because}, which is not its folder"
        return Actor(software, sighting.role, "", Evidence(CONTRADICTS, because, software.name))
    what, met = _behaviour(software, sighting, family, alert)
    if sighting.place == "open":
        state, because = OPEN, f"{sighting.because}: the alert does not say where it lies"
    elif met.truth and sighting.beyond:
        state, because = FITS, f"{sighting.because}; {met.because}"
    elif met.truth is None:
        state, because = OPEN, f"{sighting.because}; {met.because}"
    else:
        state = RESEMBLES
        because = sighting.because + (f"; {met.because}" if met.because else "")
    return Actor(software, sighting.role, what, Evidence(state, because, software.name))


def _behaviour(
    software: Software, sighting: Sighting, family: bool, alert: Alert
) -> tuple[str, Met]:
    """What the product does of its own that the alert shows, as far as it is told."""
    category = software.category
    perhaps = ("", Met(False, ""))
    for doing in (*software.does, *doings_of(category)):
        if doing.role != sighting.role or not _is_its_own(doing, category):
            continue
        met = meets(doing.condition, alert)
        if met.truth:
            return doing.what, met
        if met.truth is None and not perhaps[0]:
            perhaps = doing.what, met
    if category in BROUGHT_ALONG:
        return perhaps
    if family:
        return "one of its programs starts another", Met(True, "both lie in its own folder")
    if sighting.role == "process" and category in OWN_WORK:
        done = _act(alert, category)
        if done:
            return "does its own work", Met(True, done)
    if sighting.role == "process" and category in TALKS and not alert.get("file"):
        done = _first(alert, ("domain", "url", "dest_ip"))
        if done:
            return TALKS[category], Met(True, done)
    if sighting.role == "caller" and sighting.beyond and _is_plain_call(alert):
        return "calls the API as the service that it is", Met(True, "")
    return perhaps


def _is_its_own(doing: Doing, category: str) -> bool:
    """As the parent of a category that starts anything, only where its very program is named."""
    if doing.role != "parent" or category not in RUNS_ANYTHING:
        return True
    return any(item.attribute == "parent" for item in doing.condition)


def _act(alert: Alert, category: str) -> str:
    """What a program did besides being started, in words; empty where the alert says none."""
    if category not in READS_LSASS and any("lsass" in v.lower() for v in alert.get("object")):
        return ""
    return _first(alert, ("file", "registry", "object", "domain", "dest_ip"))


def _first(alert: Alert, attributes: Iterable[str]) -> str:
    for attribute in attributes:
        for value in alert.get(attribute):
            if value not in alert.get("process"):
                return f"{attribute.replace('_', ' ')} is {value[:120]}"
    return ""


def _is_plain_call(alert: Alert) -> bool:
    return bool(alert.get("operation")) and bool(alert.get("invoked_by")) or any(
        verb.lower() in ("get", "list", "watch") for verb in alert.get("operation")
    )


def statement_of(actor: Actor) -> str:
    """The explanation in words: one product, from our list, never the alert's own path."""
    software, role = actor.software, actor.role
    place = {"process": "is what ran", "parent": "is the parent", "caller": "is the caller"}[role]
    kind = software.category.replace("-", " ")
    if actor.evidence.state == CONTRADICTS:
        return f"A program named like {software.name} ({kind}) lies where that product is not installed."
    what = f": {actor.what}" if actor.what else ""
    return f"{software.name} ({kind}) {place}{what}."


def check_of(actor: Actor) -> str:
    """What to look at beyond the alert."""
    return f"In {actor.software.name}: {CHECKS.get(actor.software.category, _CHECK)}."
