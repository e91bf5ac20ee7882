"""What speaks for an explanation and against it, in the alert itself.

Nearness says that an explanation is about such alerts, evidence whether it is about this one. It
is never a verdict: what fits is still a question to check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lofp_enrich.search.alert.detection import Met, meets
from lofp_enrich.search.alert.reach import beyond_reach, folded, has_folder
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.knowledge.behaviour import (
    BROUGHT_ALONG,
    LOADS_ANYTHING,
    NO_TOOLS,
    OWN_WORK,
    READS_LSASS,
    RUNS_ANYTHING,
    RUNS_TOOLS,
    STARTERS,
    TALKS,
    doings_of,
)
from lofp_enrich.search.knowledge.conditions import ConditionsIndex, EntryConditions, Shortlist
from lofp_enrich.search.knowledge.software import Doing, Sighting, Software, SoftwareIndex

FITS, RESEMBLES, OPEN, CONTRADICTS = "fits", "resembles", "open", "contradicts"
STATES = (FITS, RESEMBLES, OPEN, CONTRADICTS)

CHECKS = {
    "endpoint-management": "find the job or policy in its console that ran there then, and who"
    " deployed it",
    "edr": "find the action in its console, and whether an analyst or a policy started it",
    "antivirus": "find the scan or update in its console at that time",
    "backup": "find the job in its console, with this machine in it and that start time",
    "monitoring": "find the check in its console that runs this, and since when",
    "scanner": "find the scan in its console, with this target and time, and who ordered it",
    "rmm": "find the session in its console: which technician, which ticket, and whether the site"
    " licenses it",
    "remote-access": "ask who was connected, and whether the site licenses this product",
    "updater": "see which version was installed before and after, and from where it came",
    "browser": "see which extension or page asked for it, and who sat there",
    "ide": "see which project and extension ran it, and ask the developer",
    "ai-tool": "read the session's transcript on the machine, and ask who had given the task",
    "package-manager": "see its log for the package, its source and who installed it",
    "ci": "find the job, its commit and who triggered it",
    "iac": "find the run, its commit and who approved it",
    "cloud-service": "see in the service's own console what asked for it, and who set that up",
    "identity": "see its own audit log for who asked for it",
    "mdm": "find the command or profile in its console, and who sent it",
    "breach-simulation": "find the run in its console, with this machine and time",
    "forensics": "find the case it belongs to, and who collected",
}
"""Category -> what to look at beyond the alert."""
_CHECK = "see in its own log or console whether it did this then, and ask whoever runs it"


_CONTROL_PLANES = ("eks:", "aksservice")
"""Beginnings of user names that only a provider's control plane of Kubernetes has."""


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


class Weigher:
    """Weighs explanations against one alert; what software it shows is found once."""

    def __init__(self, software: SoftwareIndex, conditions: ConditionsIndex, alert: Alert) -> None:
        self._software = software
        self._conditions = conditions
        self._alert = alert
        self._sightings = list(software.sightings(alert))
        self._weighed: dict[str, Evidence] = {}

    def entry(self, entry_id: str) -> Evidence:
        """How an entry stands to the alert; `open` where it has no conditions."""
        if entry_id not in self._weighed:
            wanted = self._conditions.of(entry_id)
            self._weighed[entry_id] = (
                weigh(wanted, self._alert, self._sightings, self._software)
                if wanted
                else Evidence(OPEN, "")
            )
        return self._weighed[entry_id]

    def likely(self, shortlist: Shortlist) -> list[str]:
        """The entries of a shortlist that the alert may meet."""
        return shortlist.of(self._alert, dict.fromkeys(each.key for each in self._sightings))

    def actors(self) -> list[Actor]:
        """The known software that the alert shows."""
        return actors(self._software, self._sightings, self._alert)


def actors(index: SoftwareIndex, sightings: Sequence[Sighting], alert: Alert) -> list[Actor]:
    """The software that an alert shows: masquerades first, then what fits, then the rest."""
    at_home = {(each.key, each.role) for each in sightings if each.beyond and each.place == "own"}
    found: dict[str, Actor] = {}
    for sighting in sightings:
        software = index.product(sighting.key)
        if software is None:
            continue
        family = {(software.key, "process"), (software.key, "parent")} <= at_home
        actor = _weighed(software, sighting, index, family, alert)
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


def _weighed(
    software: Software, sighting: Sighting, index: SoftwareIndex, family: bool, alert: Alert
) -> Actor:
    if sighting.place == "wrong" and sighting.role != "registered":
        because = f"named like {software.name}, but {sighting.because}, which is not its folder"
        return Actor(software, sighting.role, "", Evidence(CONTRADICTS, because, software.name))
    what, met = _behaviour(software, sighting, index, family, alert)
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
    software: Software, sighting: Sighting, index: SoftwareIndex, family: bool, alert: Alert
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
    for general in _GENERAL[sighting.role]:
        what, because = general(software, index, alert, family)
        if what:
            return what, Met(True, because)
    return perhaps


_Told = tuple[str, str]
_NOTHING: _Told = ("", "")


def _starts_its_own(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    return ("one of its programs starts another", "both lie in its folder") if family else _NOTHING


def _is_started(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    for parent in alert.get("parent"):
        path = folded(parent)
        name = path.rpartition("\\")[2]
        if name in STARTERS and beyond_reach(path) and software.category in OWN_WORK:
            return "the system starts it as a service", f"parent is {parent}"
    return _NOTHING


def _does_its_work(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    """Touches files, registry and the like, if that is what such software is for."""
    category = software.category
    lsass = any("lsass" in each.lower() for each in alert.get("object"))
    if category not in OWN_WORK or (lsass and category not in READS_LSASS):
        return _NOTHING
    done = _first(alert, ("file", "registry", "object", "domain", "dest_ip"))
    return (OWN_WORK[category], done) if done else _NOTHING


def _talks(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    for attribute in ("domain", "url"):
        for value in alert.get(attribute):
            host = value.lower().partition("://")[2].partition("/")[0] or value.lower()
            if any(host == own or host.endswith("." + own.lstrip("*.")) for own in software.hosts):
                return "talks to its own service", f"{attribute} is {value[:120]}"
    if software.category in TALKS and not alert.get("file"):
        done = _first(alert, ("domain", "url", "dest_ip"))
        return (TALKS[software.category], done) if done else _NOTHING
    return _NOTHING


def _loads(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    for value in alert.get("object"):
        path = folded(value)
        if path.endswith((".dll", ".ax", ".node")) and beyond_reach(path):
            its_own = index.owns(software.key, path) and software.category != "operating-system"
            if its_own:
                return "loads its own library", f"object is {value[:120]}"
            if path.startswith("c:\\windows\\") and software.category not in LOADS_ANYTHING:
                return "loads a library of the system", f"object is {value[:120]}"
    return _NOTHING


def _uses_tools(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    tool = _tool(alert) if software.category in RUNS_TOOLS else ""
    return ("uses a tool of the system", f"process is {tool}") if tool else _NOTHING


def _registers(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    """What is started later is the product's own program, and nothing is handed to it."""
    for value in (*alert.get("registry_data"), *alert.get("service")):
        behind = value.lower().rpartition(".exe")[2]
        if software.category not in RUNS_ANYTHING or "\\" not in behind:
            return "starts with the system or the session", f"what starts is {value[:120]}"
    return _NOTHING


def _calls(software: Software, index: SoftwareIndex, alert: Alert, family: bool) -> _Told:
    return ("calls the API as the service that it is", "") if _is_plain_call(alert) else _NOTHING


_GENERAL = {
    "process": (_starts_its_own, _is_started, _does_its_work, _talks, _loads),
    "parent": (_starts_its_own, _uses_tools),
    "registered": (_registers,),
    "caller": (_calls,),
}
"""For each role, what any product does of its own: its words and what shows it."""


def _is_its_own(doing: Doing, category: str) -> bool:
    """As the parent of a category that starts anything, only where its very program is named."""
    if doing.role != "parent" or category not in RUNS_ANYTHING:
        return True
    return any(item.attribute == "parent" for item in doing.condition)


def _first(alert: Alert, attributes: Iterable[str]) -> str:
    for attribute in attributes:
        for value in alert.get(attribute):
            if value not in alert.get("process"):
                return f"{attribute.replace('_', ' ')} is {value[:120]}"
    return ""


def _tool(alert: Alert) -> str:
    """The system's own tool that ran, if it is one that does but one thing."""
    for value in alert.get("process"):
        path = folded(value)
        name = path.rpartition("\\")[2].rstrip("0123456789.")
        if has_folder(path) and beyond_reach(path) and name not in NO_TOOLS:
            return value
    return ""


def _is_plain_call(alert: Alert) -> bool:
    if any(user.lower().startswith(_CONTROL_PLANES) for user in alert.get("user")):
        return True
    of_service = alert.get("invoked_by") or any(
        ip.lower().endswith(".amazonaws.com") for ip in alert.get("src_ip")
    )
    reads = any(verb.lower() in ("get", "list", "watch") for verb in alert.get("operation"))
    return bool(alert.get("operation")) and (bool(of_service) or reads)


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
            return Evidence(FITS if met.beyond else RESEMBLES, met.because, name)
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
            return Met(True, each.because, each.beyond and safe and category not in BROUGHT_ALONG)
    for each in seen:
        if each.place == "wrong":
            return Met(False, f"{each.because}, which is not its folder")
        return Met(None, f"{each.because}: the alert does not say where it lies")
    attribute = role if role in ("process", "parent") else ""
    values = alert.get(attribute) if attribute else ()
    if values and has_folder(folded(values[0])):
        return Met(False, f"{attribute} is {values[0][:120]}")
    return Met(None, f"the alert does not say the {attribute or 'software'}")


_NOBODY = Software("", "", "", "", (), ())


def _name(wanted: EntryConditions, index: SoftwareIndex) -> str:
    names = (index.product(key) for key in wanted.software)
    return ", ".join(each.name for each in names if each)


def statement_of(actor: Actor) -> str:
    """The explanation in words: one product, from our list, never the alert's own path."""
    software, role = actor.software, actor.role
    place = {
        "process": "is what ran",
        "parent": "is the parent",
        "caller": "is the caller",
        "registered": "is what is to start",
    }[role]
    kind = software.category.replace("-", " ")
    if actor.evidence.state == CONTRADICTS:
        return (
            f"A program named like {software.name} ({kind}) lies where that product is not"
            " installed."
        )
    what = f": {actor.what}" if actor.what else ""
    return f"{software.name} ({kind}) {place}{what}."


def check_of(actor: Actor) -> str:
    """What to look at beyond the alert."""
    return f"In {actor.software.name}: {CHECKS.get(actor.software.category, _CHECK)}."
