"""What any product does of its own, told by its category and what the alert shows.

Products whose own behaviour is known say it themselves (`does`); this is what is left. What would
look alike if somebody had told the product to do it is said, but is not enough to fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from lofp_enrich.search.alert.detection import Met, meets
from lofp_enrich.search.alert.programs import INTERPRETERS, SWITCHES, program
from lofp_enrich.search.alert.reach import (
    beyond_reach,
    folded,
    from_service,
    has_folder,
    provider_alone,
    reserved_caller,
    users_write_not,
)
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.knowledge.behaviour import (
    AGENTS,
    BROUGHT_ALONG,
    COMMANDED,
    OWN_WORK,
    READS_LSASS,
    ROOT_BY_ASKING,
    RUNS_ANYTHING,
    RUNS_TOOLS,
    STARTERS,
    TALKS,
    doings_of,
)
from lofp_enrich.search.knowledge.software import (
    Doing,
    Sighting,
    Software,
    SoftwareIndex,
    is_library,
)

_PROGRAM = re.compile(r"\.(?:exe|sys|dll)\b", re.IGNORECASE)


_HELPER = re.compile(
    r"\s--type=(?:broker|crashpad-handler|gpu-process|ppapi|renderer|utility|zygote)\b"
)
"""How Chromium, and all that is built on it, starts the rest of itself."""
_NOT_BY = re.compile(r"\b(?:non[- ]|without |outside (?:of )?|not (?:by |from |a )?)(\w{4,40})")
"""Whom a rule leaves out by its own title: `... By Non-Browser Process`."""
_DESCRIBES = re.compile(r"Describe[A-Z]|List[A-Z]").match
"""Calls that ask how things stand; what is behind `Get...` may be a secret."""
_TITLE = 300
_ANYBODY = frozenset(
    "agent application client cloud desktop security server service system".split()
)
"""Words in the names of products that name none."""


class Shown(NamedTuple):
    """A behaviour that an alert shows of a product."""

    what: str
    """In words; empty where none is known."""
    met: Met
    enough: bool = True
    """Nobody need have told it to: with a place that is out of reach, the product fits."""
    signed: bool = False
    """What it did it with is signed by its vendor, which is out of reach wherever it lies."""


class Scene(NamedTuple):
    """A product in its role, and all that its behaviour is told by."""

    software: Software
    sighting: Sighting
    known: SoftwareIndex
    alert: Alert
    family: bool
    """The parent, too, is a program of its own."""

    @property
    def agent(self) -> bool:
        """Whether it acts on its own account, not at a user's word."""
        return self.software.category in AGENTS and not _is_told(self.sighting.value)


def _is_told(path: str) -> bool:
    """Whether a program does what its command line says."""
    return program(path) in COMMANDED | INTERPRETERS


def behaviour(scene: Scene) -> Shown:
    """What a product does of its own that the alert shows, as far as it is told; what makes it fit
    before what only resembles."""
    category, sighting = scene.software.category, scene.sighting
    perhaps = Shown("", Met(False, ""))
    told: list[Shown] = []
    for doing in (*scene.software.does, *doings_of(category)):
        if doing.role != sighting.role:
            continue
        met = meets(doing.condition, scene.alert)
        if met.truth:
            told.append(Shown(doing.what, met, _is_its_own(doing, scene)))
        elif met.truth is None and not perhaps.what:
            perhaps = Shown(doing.what, met)
    if category not in BROUGHT_ALONG:
        generals = (_is_left_out, *_GENERAL[sighting.role])
        told += [shown for general in generals if (shown := general(scene))]
    fitting = (each for each in told if each.enough and (sighting.beyond or each.signed))
    return next(fitting, told[0] if told else perhaps)


def _is_its_own(doing: Doing, scene: Scene) -> bool:
    """As the parent of what can be made to start anything, only where the very program is named,
    and of one that itself runs anything the command line."""
    if doing.role != "parent":
        return True
    if scene.software.category not in RUNS_ANYTHING:
        serves = scene.software.category in RUNS_TOOLS and not _is_told(scene.sighting.value)
        return serves or doing in scene.software.does
    named = {item.attribute for item in doing.condition}
    if "command_line" in named or _is_prompt(scene.alert):
        return True
    return "process" in named and not _interprets(scene.alert)


def _interprets(alert: Alert) -> bool:
    """Whether what ran is something that runs anything."""
    return any(program(each) in INTERPRETERS for each in alert.get("process"))


def _is_prompt(alert: Alert) -> bool:
    """Whether a shell was opened with nothing to do."""
    lines = [each.strip().strip('"').lower() for each in alert.get("command_line")]
    whole = [each.lower() for each in alert.get("process")]
    return bool(lines) and all(
        each in whole or each in [path.rpartition("\\")[2] for path in whole] for each in lines
    )


def _is_left_out(scene: Scene) -> Shown | None:
    """The rule is about whoever is not such software."""
    if scene.sighting.role not in ("process", "caller"):
        return None
    software = scene.software
    own = frozenset(software.name.lower().split()) - _ANYBODY
    own |= {software.category} & {"browser"}
    for title in (*scene.alert.get("rule"), *scene.alert.get("title")):
        for left_out in _NOT_BY.findall(title[:_TITLE].lower()):
            if left_out in own:
                met = Met(True, f"the rule leaves it out by its name: {title[:120]}")
                return Shown("is what the rule does not mean", met)
    return None


def _starts_its_own(scene: Scene) -> Shown | None:
    if not scene.family or scene.software.category == "operating-system":
        return None
    lines = scene.alert.get("command_line")
    helper = bool(lines) and all(map(_HELPER.search, lines))
    enough = (scene.agent or helper) and not _interprets(scene.alert)
    return Shown("one of its programs starts another", Met(True, "both lie in its folder"), enough)


def _is_started(scene: Scene) -> Shown | None:
    for parent in scene.alert.get("parent"):
        if program(parent) in STARTERS and beyond_reach(folded(parent)):
            met = Met(True, f"parent is {parent}")
            return Shown("the system starts it as a service", met, scene.agent)
    return None


def _runs_script(scene: Scene) -> Shown | None:
    """A script of its own, in its folder, told nothing else."""
    sighting, category = scene.sighting, scene.software.category
    if not sighting.script:
        return None
    limited = category in RUNS_ANYTHING or category == "operating-system"
    return Shown("runs one of its own scripts", Met(True, ""), not limited)


def _does_its_work(scene: Scene) -> Shown | None:
    """Touches files, registry and the like, if that is what such software is for."""
    category, alert = scene.software.category, scene.alert
    lsass = any("lsass" in each.lower() for each in alert.get("object"))
    if category not in OWN_WORK or (lsass and category not in READS_LSASS):
        return None
    done = _first(alert, ("file", "registry", "object", "domain", "dest_ip"))
    if not done:
        return None
    touched = (*alert.get("file"), *alert.get("registry"))
    closed = category not in ROOT_BY_ASKING and bool(touched)
    closed = closed and all(map(users_write_not, touched))
    return Shown(OWN_WORK[category], Met(True, done), scene.agent or closed)


def _talks(scene: Scene) -> Shown | None:
    alert, hosts = scene.alert, [each.lstrip("*.") for each in scene.software.hosts]
    for attribute in ("domain", "url"):
        for value in alert.get(attribute):
            host = value.lower().partition("://")[2].partition("/")[0] or value.lower()
            if any(host == own or host.endswith("." + own) for own in hosts):
                met = Met(True, f"{attribute} is {value[:120]}")
                return Shown("talks to its own service", met)
    done = _first(alert, ("domain", "url", "dest_ip"))
    if scene.software.category in TALKS and done and not alert.get("file"):
        return Shown(TALKS[scene.software.category], Met(True, done), enough=False)
    return None


def _loads(scene: Scene) -> Shown | None:
    key, category = scene.software.key, scene.software.category
    signed = scene.known.signs(key, scene.alert.get("object_signer"))
    for value in scene.alert.get("object"):
        path = folded(value)
        if not is_library(path) or category == "operating-system":
            continue
        met = Met(True, f"object is {value[:120]}")
        if scene.known.owns(key, path) and (signed or beyond_reach(path)):
            return Shown("loads its own library", met, signed=signed)
        if path.startswith("c:\\windows\\") and beyond_reach(path):
            return Shown("loads a library of the system", met, scene.agent)
    return None


def _uses_tools(scene: Scene) -> Shown | None:
    """Which one it is, and what for, tells nothing yet: `vssadmin` is a tool of the system, too."""
    if scene.software.category not in RUNS_TOOLS:
        return None
    for value in scene.alert.get("process"):
        path = folded(value)
        if has_folder(path) and beyond_reach(path) and program(value) not in INTERPRETERS:
            return Shown("uses a tool of the system", Met(True, f"process is {value}"), False)
    return None


def _registers(scene: Scene) -> Shown | None:
    """What is started later is the product's own program, and nothing is handed to it."""
    value = scene.sighting.value
    found = _PROGRAM.search(value)
    category = scene.software.category
    plain = bool(found and SWITCHES.fullmatch(value, found.end()))
    enough = plain and category != "operating-system" and category not in BROUGHT_ALONG
    met = Met(True, f"what starts is {value[:120]}")
    return Shown("starts with the system or the session", met, enough)


def _is_written(scene: Scene) -> Shown | None:
    """Whoever runs a package as an administrator could have put anything there: a user cannot."""
    if scene.software.category == "operating-system":
        return None
    return Shown("an installer of the system writes its files", Met(True, ""))


def _is_loaded(scene: Scene) -> Shown | None:
    """By a program that is not its own, as extensions are."""
    category, key = scene.software.category, scene.software.key
    if category == "operating-system" or any(
        scene.known.owns(key, folded(each)) for each in scene.alert.get("process")
    ):
        return None
    return Shown("its library lies where only administrators write", Met(True, ""))


def _calls(scene: Scene) -> Shown | None:
    """Calls an API: a service does so by itself, or with the rights of whoever told it to."""
    alert = scene.alert
    operations = alert.get("operation")
    if not operations:
        return None
    names = [each.lower() for each in (*alert.get("user"), *alert.get("actor_id"))]
    lent = any(":user/" in each or "assumed-role/" in each for each in names)
    said = (*alert.get("invoked_by"), *alert.get("src_ip"))
    secrets = any(each.lower() == "secrets" for each in alert.get("object"))
    reads = all(each.lower() in ("get", "list", "watch") for each in operations) and not secrets
    describes = all(map(_DESCRIBES, operations))
    enough = (
        any(map(provider_alone, names))
        or (any(map(from_service, said)) and (describes or not lent))
        or (any(map(reserved_caller, names)) and reads)
    )
    return Shown("calls the API as the service that it is", Met(True, ""), enough)


_GENERAL = {
    "process": (_starts_its_own, _is_started, _runs_script, _does_its_work, _talks, _loads),
    "parent": (_starts_its_own, _uses_tools),
    "registered": (_registers,),
    "caller": (_calls,),
    "installed": (_is_written,),
    "loaded": (_is_loaded,),
}
"""For each role, what any product does of its own: its words and what shows it."""


def _first(alert: Alert, attributes: Iterable[str]) -> str:
    for attribute in attributes:
        for value in alert.get(attribute):
            if value not in alert.get("process"):
                return f"{attribute.replace('_', ' ')} is {value[:120]}"
    return ""
