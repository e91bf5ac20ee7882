"""Software that shows up in alerts: who it is by its folder, signer, service or identity."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lofp_enrich.search.alert.detection import Condition, condition
from lofp_enrich.search.alert.programs import script_of
from lofp_enrich.search.alert.reach import (
    beyond_reach,
    folded,
    from_service,
    has_folder,
    reserved_caller,
)
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import SOFTWARE, split_list
from lofp_enrich.search.knowledge.lookupfile import LookupFile

ROLES = ("process", "parent", "registered", "caller", "installed", "loaded")
"""What the software is in an alert: what ran, what started it, what a registry value or a service
starts from now on, who called the API, what an installer of the system writes, or whose library
another program loads."""
INSTALLERS = frozenset(
    "dpkg installd installer msiexec.exe rpm system_installd tiworker.exe"
    " trustedinstaller.exe".split()
)
"""Programs of the system that write what a package holds."""
_PROGRAM = re.compile(r"""\s*["']?([^"'*?<>|]{3,300}?\.(?:exe|sys|dll))\b""", re.IGNORECASE)
"""The program that a command starts; what follows are its arguments."""
_SHARED = 3
"""Parts of a folder (`c:`, `windows`, `ccm`) below which it is nobody's own: a name must fit."""
_SYSTEM = ("c:\\windows\\system32\\", "c:\\windows\\syswow64\\", "\\usr\\bin\\", "\\usr\\sbin\\")

_WINDOWS = ("c:\\program files\\", "c:\\program files (x86)\\")
_INSTALLED = (
    *("\\usr\\", "\\bin\\", "\\sbin\\", "\\opt\\", "\\snap\\", "\\applications\\", "\\library\\"),
)
"""Where programs are installed, mostly by administrators."""
_IDENTITIES = (
    ("invoked_by", ("invoked_by", "src_ip")),
    ("app_ids", ("actor_id", "app")),
    ("users", ("actor_id", "user")),
    ("user_agents", ("user_agent",)),
)
"""Columns of who calls an API, and the attributes that hold it."""
_CALLERS = tuple(column for column, _ in _IDENTITIES)
HEAD = ("software", "processes", "folders", "files", *_CALLERS)
"""The columns that products are found by."""
_START = 6
"""Characters by which patterns of callers are found."""
_NAMESAKES = 2
"""Products that may share a program's name, as those of one vendor do."""
_ELSEWHERE = ("c:\\windows\\", "\\tmp\\", "\\var\\tmp\\", "\\dev\\shm\\")
_USERS = (
    "\\users\\",
    "\\temp\\",
    "\\programdata\\",
    "\\perflogs\\",
    "\\$recycle.bin\\",
    "\\home\\",
)


class Doing(NamedTuple):
    """Something that a product does of its own and that rules alert on."""

    role: str
    what: str
    condition: Condition


class Software(NamedTuple):
    """A product, as far as an answer needs it."""

    key: str
    name: str
    vendor: str
    category: str
    aliases: tuple[str, ...]
    does: tuple[Doing, ...]
    hosts: tuple[str, ...] = ()


class Sighting(NamedTuple):
    """A product in an alert."""

    key: str
    role: str
    because: str
    """`parent is C:\\Program Files\\Tanium\\TaniumClient.exe`."""
    beyond: bool
    """Told by something that is out of an ordinary intruder's reach."""
    place: str
    """`own`; `named` where the name is its own and the folder another that programs are installed
    in, or nobody knows which is its own; `wrong` where users write or where the system lies; `open`
    where no folder is said."""
    value: str = ""
    """The alert's own value that shows it, whole."""
    script: bool = False
    """It is a script of the product that an interpreter runs."""


Row = Mapping[str, str]


class SoftwareIndex:
    """The products of `lofp_software.csv`, found by what an alert says."""

    def __init__(
        self, heads: Iterable[Sequence[str]], whole: Callable[[str], Row | None] = lambda _: None
    ) -> None:
        """`heads` are the cells of `HEAD`, by which products are found; `whole` gives the row of
        one by its key."""
        self._whole = whole
        self._rows: dict[str, Row | None] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_folder: dict[str, list[str]] = {}
        self._wild: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._by_file: dict[str, list[str]] = {}
        self._callers: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._homeless: set[str] = set()
        self._made: dict[str, Software] = {}
        for head in heads:
            self._add(*head)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> SoftwareIndex:
        """The products of these rows."""
        by_key = {row["software"]: row for row in rows}
        return cls(([row[name] for name in HEAD] for row in by_key.values()), by_key.get)

    @classmethod
    def load(cls, directory: Path) -> SoftwareIndex:
        """The products in `directory`; none where an older set of lookups has no such file.

        Raises SearchError where the file is there and cannot be read.
        """
        path = directory / "lofp_software.csv"
        if not path.exists():
            return cls(())
        file = LookupFile(path, SOFTWARE)

        def whole(key: str) -> Row | None:
            return next((dict(zip(SOFTWARE, cells)) for cells in file.by_first_cell(key)), None)

        return cls(file.heads(HEAD), whole)

    def _add(self, key: str, processes: str, folders: str, files: str, *callers: str) -> None:
        for name in split_list(processes.lower()):
            self._by_name.setdefault(name, []).append(key)
        if not folders and not files:
            self._homeless.add(key)
        for folder in split_list(folders.lower().replace("/", "\\")):
            head, star, rest = folder.partition("*")
            if star:
                head, slash, part = head.rpartition("\\")
                pattern = tuple((part + star + rest).split("\\"))
                self._wild.setdefault(head + slash, []).append((pattern, key))
            else:
                self._by_folder.setdefault(folder, []).append(key)
        for file in split_list(files.lower().replace("/", "\\")):
            self._by_file.setdefault(file, []).append(key)
        for column, cell in zip(_CALLERS, callers):
            for text in split_list(cell.lower()) if cell else ():
                start = text.partition("*")[0][:_START]
                self._callers.setdefault((column, start), []).append((text, key))

    def _row(self, key: str) -> Row | None:
        if key not in self._rows:
            self._rows[key] = self._whole(key)
        return self._rows[key]

    def product(self, key: str) -> Software | None:
        """The product with this key; its behaviour is parsed when first asked for."""
        if key not in self._made:
            row = self._row(key)
            if row is None:
                return None
            self._made[key] = Software(
                key,
                row["name"],
                row["vendor"],
                row["category"],
                tuple(split_list(row["aliases"])),
                tuple(_doings(row["does"])),
                tuple(split_list(row["hosts"].lower())),
            )
        return self._made[key]

    def owns(self, key: str, path: str) -> bool:
        """Whether a folded path lies in a product's own folder."""
        return key in self._owners(path, path.rpartition("\\")[2])

    def sightings(self, alert: Alert) -> Iterator[Sighting]:
        """The products that an alert shows, each in its role."""
        # Of a library that was loaded, the signer says nothing of who loads it.
        signers = () if alert.get("object_signer") else alert.get("signer")
        as_root = "root" in alert.get("user")
        for value in alert.get("process"):
            for each in self._by_path("process", value):
                yield self._as_signed(_as_root(each, as_root), signers)
        for value in alert.get("parent"):
            for each in self._by_path("parent", value):
                yield _as_root(each, as_root)
        for role, attribute in (("process", "command_line"), ("parent", "parent_command_line")):
            for value in alert.get(attribute):
                yield from self._by_script(role, value)
        for attribute in ("registry_data", "service"):
            for value in alert.get(attribute):
                program = _PROGRAM.match(value)
                if program and "\\" in program[1]:
                    for each in self._by_path("registered", program[1]):
                        because = f"it starts {value[:120]}"
                        yield each._replace(because=because, value=value)
        yield from self._by_content(alert)
        yield from self._by_identity(alert)

    def _by_content(self, alert: Alert) -> Iterator[Sighting]:
        """Whose files an installer of the system writes, and whose library somebody else loads;
        only where nobody but administrators could have put it there."""
        installs = any(map(_installs, map(folded, alert.get("process"))))
        for role, values in (
            ("installed", alert.get("file") if installs else ()),
            ("loaded", [each for each in alert.get("object") if is_library(folded(each))]),
        ):
            for value in values:
                for each in self._by_path(role, value):
                    if each.place == "own" and each.beyond:
                        kind = "file" if role == "installed" else "object"
                        yield each._replace(because=f"{kind} is {value[:160]}")

    def signs(self, key: str, signers: Sequence[str]) -> bool:
        """Whether one of these is who signs a product."""
        row = self._row(key) if signers else None
        own = split_list(row["signers"].lower()) if row else ()
        return any(each.lower() in own for each in signers)

    def _as_signed(self, sighting: Sighting, signers: Sequence[str]) -> Sighting:
        """What its vendor has signed it is, wherever it lies."""
        if not signers or sighting.beyond or not self.signs(sighting.key, signers):
            return sighting
        place = "own" if sighting.place == "own" else "named"
        because = f"{sighting.because}, signed by {signers[0][:80]}"
        return sighting._replace(because=because, beyond=True, place=place)

    def _by_script(self, role: str, command_line: str) -> Iterator[Sighting]:
        """The product whose script an interpreter runs: the interpreter alone tells nothing."""
        script = script_of(command_line)
        if script:
            path = folded(script.path)
            because = f"{role} runs {script.path}"
            beyond = script.alone and beyond_reach(path)
            for key in dict.fromkeys(self._owners(path, path.rpartition("\\")[2])):
                yield Sighting(key, role, because, beyond, "own", script.path, True)

    def _by_path(self, role: str, value: str) -> Iterator[Sighting]:
        path = folded(value)
        name = path.rpartition("\\")[2]
        named = self._by_name.get(name, ())
        because = f"{role} is {value}"
        if not has_folder(path):
            for key in named:
                yield Sighting(key, role, because, False, "open", value)
            return
        own = list(dict.fromkeys(self._owners(path, name)))
        for key in own:
            yield Sighting(key, role, because, beyond_reach(path), "own", value)
        if own or not 0 < len(named) <= _NAMESAKES:
            return
        at_home = path.startswith(_WINDOWS if name.endswith(".exe") else _INSTALLED)
        if at_home:
            # Wherever else it was installed: its name is its own.
            for key in named:
                yield Sighting(key, role, because, beyond_reach(path), "named", value)
            return
        for key in named:
            # Where nobody knows its folder, nobody can say that it is out of place.
            if key in self._homeless:
                yield Sighting(key, role, because, False, "named", value)
            elif len(named) == 1 and _is_elsewhere(path):
                yield Sighting(key, role, because, False, "wrong", value)

    def _owners(self, path: str, name: str) -> Iterator[str]:
        """Whose folder a path lies in: one that is somebody's own, or one whose names fit."""
        yield from self._by_file.get(path, ())
        at = path.rfind("\\")
        while at > 0:
            folder = path[: at + 1]
            keys = self._by_folder.get(folder, ())
            fitting = [key for key in keys if key in self._by_name.get(name, ())]
            if not fitting and folder.count("\\") >= _SHARED and folder not in _SYSTEM:
                # Of a suite's folder, in which some of its programs are products, too, the suite.
                fitting = list(keys[:1])
            yield from fitting
            for pattern, key in self._wild.get(folder, ()):
                if _follows(path[at + 1 :].split("\\"), pattern):
                    yield key
            at = path.rfind("\\", 0, at)

    def _by_identity(self, alert: Alert) -> Iterator[Sighting]:
        for column, attributes in _IDENTITIES:
            for attribute in attributes:
                for value in alert.get(attribute):
                    yield from self._caller(column, attribute, value)

    def _caller(self, column: str, attribute: str, value: str) -> Iterator[Sighting]:
        """The product whose pattern says most of a value."""
        text = value.lower()
        best = ("", "")
        for length in range(min(_START, len(text)) + 1):
            for pattern, key in self._callers.get((column, text[:length]), ()):
                whole = column != "user_agents"
                told = _is_like(pattern, text) if whole else text.startswith(pattern)
                if told and len(pattern) > len(best[0]):
                    best = pattern, key
        if best[1]:
            beyond = (column == "invoked_by" and from_service(text)) or (
                column == "users" and reserved_caller(text)
            )
            said = f"{attribute.replace('_', ' ')} is {value[:120]}"
            yield Sighting(best[1], "caller", said, beyond, "own", value)


def _as_root(sighting: Sighting, as_root: bool) -> Sighting:
    """Who administers a Mac writes its applications, but none of them runs as root for that."""
    if not as_root or sighting.place != "own" or not _is_application(sighting.value):
        return sighting
    return sighting._replace(because=f"{sighting.because}, as root", beyond=True)


def _is_application(path: str) -> bool:
    return folded(path).startswith("\\applications\\")


def is_library(path: str) -> bool:
    """Whether a folded path is one of what programs load."""
    return path.endswith((".dll", ".ax", ".node"))


def _installs(path: str) -> bool:
    return path.rpartition("\\")[2] in INSTALLERS and beyond_reach(path)


@lru_cache(maxsize=4_096)
def _is_like(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern with `*`, without regular expressions."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == text
    if not text.startswith(parts[0]) or not text.endswith(parts[-1]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return at <= len(text) - len(parts[-1])


def _is_elsewhere(path: str) -> bool:
    """Whether a program there is out of place, whatever it is: where users write, or among the
    system's own. Of a folder on another drive nobody knows."""
    return path.startswith(_ELSEWHERE) or any(part in path for part in _USERS)


def _follows(parts: list[str], pattern: tuple[str, ...]) -> bool:
    """Whether the parts of a path begin with those of a pattern, each of which may have a `*`."""
    wanted = pattern[:-1] if pattern and not pattern[-1] else pattern
    return len(parts) > len(wanted) and all(map(_is_like, wanted, parts))


def _doings(text: str) -> Iterator[Doing]:
    """The behaviours in a cell; one that cannot be read costs itself alone."""
    try:
        each_of = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return
    for each in each_of if isinstance(each_of, list) else ():
        if not isinstance(each, dict):
            continue
        items = {key: value for key, value in each.items() if key not in ("role", "what")}
        try:
            yield Doing(str(each.get("role", "")), str(each.get("what", "")), condition(items))
        except SearchError:
            continue
