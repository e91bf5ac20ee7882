"""LOLRMM: remote management tools, a YAML file each, with what they leave on a machine.

The format: https://github.com/magicsword-io/LOLRMM, folder `yaml`. Of a tool only facts are taken:
what it is called, its folders, programs, signers, services and hosts. The statement is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lofp_enrich.errors import RuleError
from lofp_enrich.model import FalsePositive, LogSource, Product, Rule
from lofp_enrich.sources import fields, yamldoc
from lofp_enrich.sources.fields import RuleNode

REPOSITORY = "magicsword-io/LOLRMM"

MOST_VALUES = 400
"""Values of one kind in a file that are read; the longest list has 70."""
MOST_TECHNIQUES = 10
MOST_CHARS = 300
"""Characters of a value; a longer one names nothing."""
_NAME = re.compile(r"(?=.*\w)[\w .,'&+/()!-]{1,80}")
_ALIAS = re.compile(r"\((?:formerly|aka|also known as|now) (?P<alias>[^()]+)\)", re.IGNORECASE)
_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])")
_SYSTEMS = {"windows": "windows", "linux": "linux", "mac": "macos", "macos": "macos"}
_TECHNIQUE = "T1219"
_MALWARE = frozenset(("remcos", "rodexrmm", "sorillus", "trustconnect"))
"""Tools that are sold to intruders, by letters and digits of their names: no harmless cause."""

_NOTHING = frozenset(
    ("", "-", "?", "n/a", "na", "none", "null", "pending", "tbd", "todo", "unknown", "user_managed")
)
_VARIABLES = {
    "programfiles": "C:\\Program Files",
    "programfiles(x86)": "C:\\Program Files (x86)",
    "programw6432": "C:\\Program Files",
    "programdata": "C:\\ProgramData",
    "allusersprofile": "C:\\ProgramData",
    "systemdrive": "C:",
    "systemroot": "C:\\Windows",
    "windir": "C:\\Windows",
    "userprofile": "C:\\Users\\*",
    "appdata": "C:\\Users\\*\\AppData\\Roaming",
    "localappdata": "C:\\Users\\*\\AppData\\Local",
    "temp": "C:\\Users\\*\\AppData\\Local\\Temp",
    "tmp": "C:\\Users\\*\\AppData\\Local\\Temp",
}
_VARIABLE = re.compile(r"%([^%\\/]{1,30})%")
_STAND_IN = re.compile(r"<[^<>\\/]{1,60}>")
"""`<version>`, `<username>`: anything may stand there."""
_USER = re.compile(r"(?i)^(c:\\users\\|/users/|/home/)(?:username|user)(?=[\\/])")
_PATTERN = re.compile(r"[\[\]^$%<>?\"|;]|\\[dws][+*{\\.]")
"""What no name has: left over placeholders, expressions, lists."""
_RUNS = (".exe", ".com", ".scr", ".sys")
_COMMAND = re.compile(r"""\s*["']?(.+?\.(?:exe|com|scr|sys))(?=["'\s]|$)""", re.IGNORECASE)
_DATA = frozenset(
    ".7z .apk .bat .bin .cfg .cmd .conf .config .crt .dat .db .deb .dll .dmg .env .ese .evtx .gz"
    " .htm .html .inf .ini .ipa .jar .js .json .lnk .log .mof .msi .msix .mui .pdb .pkg .plist .ps1"
    " .py .reg .rpm .service .sh .so .sqlite3 .tmp .txt .vbs .xml .yaml .yml .zip".split()
)
"""Endings of files that are no program."""
_BINARIES = re.compile(r"/(?:usr/|usr/local/|opt/|opt/local/)?s?bin/[^/*]+")
_SERVICE = re.compile(r"(?i)\\services\\([^\\*]+)")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")


def parse(text: str, path: str) -> Iterator[Rule | RuleError]:
    """The tools of a file; none where no document has `Details` or `Artifacts`."""
    return fields.each(_tool, _tool_documents(text, path))


def _tool_documents(text: str, path: str) -> Iterator[RuleNode | RuleError]:
    for document in yamldoc.documents(text, path):
        if isinstance(document, RuleError) or (
            isinstance(document, RuleNode) and ("Details" in document or "Artifacts" in document)
        ):
            yield document


def _tool(document: RuleNode) -> Rule:
    name = fields.text(document, "Name", required=True)
    if not _NAME.fullmatch(name):
        raise RuleError("expected a name of at most 80 letters", document.at("Name"), "Name")
    details = fields.mapping(document, "Details")
    known = _Known()
    known.read(document, details)
    product = Product(
        name=name,
        page=f"{REPOSITORY} {document.path}",
        checked=_month(document),
        site=_host(_plain(details.get("Website"))),
        aliases=tuple(each.strip() for each in _ALIAS.findall(name)),
        programs=tuple(known.programs),
        folders=tuple(known.folders),
        files=tuple(known.files),
        signers=tuple(known.signers),
        services=tuple(known.services),
        hosts=tuple(known.hosts),
        left_out=tuple(known.left_out),
    )
    harmless = _letters(name) not in _MALWARE
    return Rule(
        source="lolrmm",
        id=PurePosixPath(document.path).stem,
        title=name,
        location=document.at(),
        techniques=_techniques(document),
        falsepositives=(_statement(name),) if harmless else (),
        logsource=LogSource(product="|".join(_systems(details))),
        author=_authors(document),
        terms=fields.terms((*(program for program, _ in product.programs), *product.hosts)),
        product=product if harmless else None,
    )


def _statement(name: str) -> FalsePositive:
    return FalsePositive(
        # Most words are the same for all tools: of what differs in its subject alone, one is shown.
        "The site's support staff or its service provider work on its computers with"
        f" {name}, a tool for remote access or management.",
        check=f"Ask who answers for {name} at this site and since when it is licensed, and find the"
        " session in its console: which technician, which ticket.",
        against=f"Nobody at the site ordered {name}, it came with a download or a script shortly"
        " before, or its console belongs to strangers.",
    )


class _Known:
    """What a file says that a product can be known by, each once, and what says nothing."""

    def __init__(self) -> None:
        self.programs: dict[tuple[str, str], None] = {}
        self.folders: dict[str, None] = {}
        self.files: dict[str, None] = {}
        self.signers: dict[str, None] = {}
        self.services: dict[str, None] = {}
        self.hosts: dict[str, None] = {}
        self.left_out: list[str] = []

    def read(self, document: RuleNode, details: RuleNode) -> None:
        """Collect from all parts of a file."""
        artifacts = fields.mapping(document, "Artifacts")
        signing = fields.mapping(document, "CodeSigning")
        for path in self._texts(details.get("InstallationPaths")):
            self._installed(path)
        for part in self._parts(details.get("PEMetadata")):
            for key in ("Filename", "OriginalFileName"):
                self._program(self._text(part.get(key)))
        for part in self._parts(artifacts.get("Disk")):
            self._on_disk(self._text(part.get("File")))
        for part in self._parts(artifacts.get("EventLog")):
            self._service(self._text(part.get("ServiceName")))
            command = _COMMAND.match(_written(self._text(part.get("ImagePath"))))
            if command:
                self._on_disk(command[1])
        for part in self._parts(artifacts.get("Registry")):
            service = _SERVICE.search(self._text(part.get("Path")))
            self._service(service[1] if service else "")
        for part in self._parts(artifacts.get("Network")):
            for host in self._texts(part.get("Domains")):
                self._talks_to(host)
        for name in self._texts(signing.get("signer_names")):
            self._signer(name)
        for part in self._parts(signing.get("certificates")):
            self._signer(self._text(part.get("signer_name")))

    def _texts(self, value: object) -> Iterator[str]:
        """The texts of a list, or the one that stands for it."""
        items: list[object] = value if isinstance(value, list) else [value]
        self.left_out += ["too many"] * (len(items) - MOST_VALUES)
        for item in items[:MOST_VALUES]:
            if found := self._text(item):
                yield found

    def _parts(self, value: object) -> Iterator[RuleNode]:
        items: list[object] = value if isinstance(value, list) else [value]
        self.left_out += ["too many"] * (len(items) - MOST_VALUES)
        for item in items[:MOST_VALUES]:
            if isinstance(item, RuleNode):
                yield item
            elif item is not None:
                self.left_out.append("no text")

    def _text(self, value: object) -> str:
        """A text that says something, folded; empty for all else, which is counted."""
        if value is None:
            return ""
        if not isinstance(value, str):
            self.left_out.append("no text")
            return ""
        if len(value) > MOST_CHARS:
            self.left_out.append("too long")
            return ""
        found = _plain(value)
        if value.strip() and not found:
            self.left_out.append("placeholder")
        return found

    def _installed(self, value: str) -> None:
        """A path of installation: a folder, a program in one, or a bare name."""
        path = _written(value)
        if not _is_whole(path):
            return self._program(path)
        for each in _both(path):
            last = each.replace("\\", "/").rpartition("/")[2]
            if _ending(last) in _RUNS or _BINARIES.fullmatch(each):
                self._on_disk(each)
            elif last in ("", "*"):
                self._folder(each[: len(each) - len(last)])
            elif _ending(last) not in _DATA and not each.startswith("/etc/"):
                self._folder(each + ("/" if each.startswith("/") else "\\"))
        return None

    def _on_disk(self, value: str) -> None:
        """A file that the tool leaves: it tells a folder where it is a program."""
        path = _written(value)
        if not _is_whole(path):
            return self._program(path)
        for each in _both(path):
            if _BINARIES.fullmatch(each):
                self.files[each] = None
                self.programs[each.rpartition("/")[2], each.rpartition("/")[0] + "/"] = None
            elif not each.startswith("/") and _ending(each) in _RUNS:
                folder, slash, name = each.rpartition("\\")
                self._folder(folder + slash)
                self._program(name, folder + slash)
        return None

    def _folder(self, path: str) -> None:
        while path[:-1].endswith(("\\*", "/*")):
            path = path[:-2]
        if _PATTERN.search(path):
            self.left_out.append("placeholder")
        else:
            self.folders[path] = None

    def _program(self, value: str, folder: str = "") -> None:
        """A name of a program, behind whatever folder it is said to lie in."""
        name = _written(value).rpartition("\\")[2].rpartition("/")[2]
        if not name or name == "*" or _ending(name) not in _RUNS[:1]:
            # Libraries, packages, notes: nothing that runs under that name.
            self.left_out += ["no program"] * bool(name.strip("*"))
        elif "*" in name:
            self.left_out.append("wildcard")
        elif _PATTERN.search(name):
            self.left_out.append("placeholder")
        else:
            self.programs[name, folder] = None

    def _service(self, name: str) -> None:
        if _PATTERN.search(name) or "*" in name:
            self.left_out.append("placeholder")
        elif name:
            self.services[name] = None

    def _signer(self, name: str) -> None:
        name = name.rstrip("\\").strip()
        if "|" in name:
            self.left_out.append("placeholder")
        elif name:
            self.signers[name] = None

    def _talks_to(self, value: str) -> None:
        host = _host(value)
        if host:
            self.hosts[host] = None
        else:
            self.left_out.append("no host")


def _plain(value: object) -> str:
    """A text folded, empty for one that stands for nothing."""
    found = fields.fold(value) if isinstance(value, str) else ""
    return "" if found.lower() in _NOTHING else found


def _written(value: str) -> str:
    """A path in one form: no doubled separators, variables and stand-ins written out."""
    path = re.sub(r"\\{2,}", r"\\", value.strip().strip("\"'"))
    variable = _VARIABLE.match(path)
    if variable and variable[1].lower() in _VARIABLES:
        path = _VARIABLES[variable[1].lower()] + path[variable.end() :]
    path = _STAND_IN.sub("*", path)
    return _USER.sub(r"\1*", path.replace("~/", "/home/*/", 1) if path.startswith("~/") else path)


def _is_whole(path: str) -> bool:
    """Whether it begins at a root: `C:\\`, or `/`."""
    return path[:3].lower() == "c:\\" or (path.startswith("/") and not path.startswith("//"))


def _both(path: str) -> tuple[str, ...]:
    """`C:\\Program Files*\\` is two folders."""
    head = "c:\\program files*\\"
    if path.lower().startswith(head):
        rest = path[len(head) :]
        return "C:\\Program Files\\" + rest, "C:\\Program Files (x86)\\" + rest
    return (path,)


def _ending(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).suffix.lower()


def _host(value: str) -> str:
    """A host without scheme, port, path and the `*.` before it; empty where it is none."""
    host = value.lower().partition("://")[2] or value.lower()
    host = re.split(r"[/:?#\s]", host, maxsplit=1)[0].removeprefix("*.").strip(".")
    return host if len(host) <= 253 and _HOST.fullmatch(host) else ""


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _month(document: RuleNode) -> str:
    said = _MONTH.match(_plain(document.get("LastModified")))
    return said[0] if said else ""


def _techniques(document: RuleNode) -> tuple[str, ...]:
    """Those that it names under a key of its own; what its prose mentions is not about the tool."""
    named = document.get("Techniques")
    texts = named if isinstance(named, list) else [named]
    ids = fields.technique_ids(each for each in texts if isinstance(each, str))
    return ids[:MOST_TECHNIQUES] or (_TECHNIQUE,)


def _systems(details: RuleNode) -> list[str]:
    said = details.get("SupportedOS")
    texts = [each for each in (said if isinstance(said, list) else [said]) if isinstance(each, str)]
    found = [_SYSTEMS.get(each.strip().lower(), "") for each in texts[:MOST_VALUES]]
    return list(dict.fromkeys(filter(None, found)))


def _authors(document: RuleNode) -> str:
    """Who wrote the file; where that is not said, whom it thanks, or the project."""
    if author := _plain(document.get("Author"))[:MOST_CHARS]:
        return author
    thanked = document.get("Acknowledgement")
    people = [
        _plain(each.get("Person"))[:80]
        for each in (thanked if isinstance(thanked, list) else [])
        if isinstance(each, RuleNode)
    ]
    return ", ".join(dict.fromkeys(filter(None, people[:20]))) or "LOLRMM contributors"
