"""A rule as a source states it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Location:
    """Where a rule stands: `path:line`, or `path` alone where the line is not known."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True)
class LogSource:
    """Which logs a rule reads, in the words of its source; empty where the rule is silent."""

    category: str = ""
    product: str = ""
    service: str = ""


@dataclass(frozen=True)
class Conditions:
    """What an alert must show for a cause to fit it, as Sigma's detection items in JSON."""

    software: tuple[str, ...] = ()
    """Keys of `starter/software`: who does it."""
    role: str = ""
    """What the software is in the alert: `process`, `parent`, `registered` or `caller`."""
    fits: str = ""
    """A map, which holds as a whole."""
    contradicts: str = ""
    """A list of maps, of which each alone speaks against the cause."""
    at_most: str = ""
    """`resembles` where such a cause never fits, however well it is met."""
    exclusion: bool = False
    """It is what rules leave out: never an explanation of their own alerts, and of others only
    where it is met."""


@dataclass(frozen=True)
class Exclusion:
    """Software that a rule leaves out by name (Sigma's `filter_optional_*`)."""

    name: str
    """What its authors call it: `avast_antivirus`."""
    items: str
    """The rule's own fields and values as a JSON map, which holds as a whole; empty where it is no
    map."""


@dataclass(frozen=True)
class FalsePositive:
    """One statement of a rule: when it fires on harmless activity."""

    text: str
    """As written, white space folded to single spaces, markdown made plain."""
    note: bool = False
    """It stands in an investigation guide, not in the rule's own field."""
    generated: bool = False
    """The guide says that generative AI had a part in it."""
    check: str = ""
    """What to look at to tell this cause from an attack; only our own entries have it."""
    against: str = ""
    """What would speak against this cause, likewise."""
    conditions: Conditions | None = None


@dataclass(frozen=True)
class Product:
    """Software as a source tells of it, before `catalogue.products` has sifted it."""

    name: str
    page: str
    """The repository and the file that say so, as in `seen` of our own products."""
    checked: str = ""
    """The month of its last change, `2026-08`."""
    site: str = ""
    """The host of its own web site."""
    aliases: tuple[str, ...] = ()
    programs: tuple[tuple[str, str], ...] = ()
    """Names of its programs, each with the folder that it was seen in; empty where none is said."""
    folders: tuple[str, ...] = ()
    """Whole folders, `*` for anything, that end in the separator of their system."""
    files: tuple[str, ...] = ()
    """Whole paths of programs in folders that others share."""
    signers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """A reason for each value that says nothing."""


@dataclass(frozen=True)
class Rule:
    """One detection of a rule repository. (source, id) names it."""

    source: str
    """A key of `lofp_enrich.sources.SOURCES`."""
    id: str
    title: str
    location: Location
    techniques: tuple[str, ...] = ()
    """ATT&CK IDs as the rule gives them, upper case, in order, each once; not yet followed."""
    falsepositives: tuple[FalsePositive, ...] = ()
    logsource: LogSource = LogSource()
    level: str = ""
    status: str = ""
    deprecated: bool = False
    """Retired by its authors, by folder or by status."""
    description: str = ""
    author: str = ""
    license: str = ""
    """Short name: `DRL-1.1`, `Elastic-2.0`, `Apache-2.0`."""
    url: str = ""
    """Where a person can read the rule; empty where that is not known."""
    terms: tuple[str, ...] = ()
    """Values the rule looks for: process names, event names, API calls, paths."""
    exclusions: tuple[Exclusion, ...] = ()
    product: Product | None = None
    """The software that its statements are about, where the source knows more than its name."""

    @property
    def is_entry(self) -> bool:
        """It is an entry of our own or of a site, or a tool, so no rule that could fire."""
        return self.source in ("entries", "lolrmm")
