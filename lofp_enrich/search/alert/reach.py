"""Paths in one form, and what of an alert an ordinary intruder cannot choose.

An intruder who runs programs as a user names files, writes command lines, user agents and registry
keys of that user as it suits him. He does not write where only administrators do, and does not fill
in what a cloud service says of itself. One with an administrator's rights can do the first, too:
evidence is no proof.
"""

from __future__ import annotations

import re
from functools import lru_cache

_MOST = 1_000
"""Characters of a path that are looked at; Windows has 260, or 32,767 for who asks for it."""
_VOLUME = re.compile(r"\\device\\harddiskvolume\d+\\")
_ALIAS = re.compile(r"~\d|[. ](?:\\|$)")
"""Short names, and ends that Windows drops: another spelling of a folder, and nobody knows
which."""
_PREFIXES = (
    ("\\\\?\\unc\\", "\\\\"),
    ("\\\\?\\globalroot\\", "\\"),
    ("\\\\?\\", ""),
    ("\\??\\", ""),
    ("\\\\.\\", ""),
)
"""What Windows takes before a path, and what it stands for."""
_VARIABLES = (
    ("%systemroot%\\", "c:\\windows\\"),
    ("%windir%\\", "c:\\windows\\"),
    ("\\systemroot\\", "c:\\windows\\"),
    ("%programfiles%\\", "c:\\program files\\"),
    ("%programfiles(x86)%\\", "c:\\program files (x86)\\"),
    ("%system%\\", "c:\\windows\\system32\\"),
)
"""What ESET, drivers and service entries write; all stand for folders of the system."""

ADMINISTRATORS = (
    ("c:\\program files\\", "Windows lets administrators and installers alone write here"),
    ("c:\\program files (x86)\\", "likewise, for programs of 32 bits"),
    ("c:\\windows\\", "likewise, but for the folders below"),
    ("c:\\programdata\\microsoft\\windows defender\\", "the installer takes users' rights away"),
    ("c:\\programdata\\chocolatey\\", "the installer takes users' rights away"),
    (
        "c:\\programdata\\package cache\\",
        "WiX takes users' rights away, for it runs from here again",
    ),
    ("\\usr\\", "belongs to root; distributions and packages write it"),
    ("\\bin\\", "likewise"),
    ("\\sbin\\", "likewise"),
    ("\\lib\\", "likewise"),
    ("\\lib64\\", "likewise"),
    ("\\opt\\", "likewise: vendors' packages"),
    ("\\snap\\", "mounted read-only by snapd"),
    ("\\nix\\store\\", "written by the Nix daemon alone"),
    ("\\var\\ossec\\", "Wazuh's, belongs to root"),
    ("\\var\\opt\\", "vendors' packages, belongs to root"),
    ("\\var\\lib\\waagent\\", "Azure's agent, belongs to root"),
    ("\\var\\cfengine\\", "CFEngine's, belongs to root"),
    ("\\system\\", "macOS: sealed, nobody writes it"),
    ("\\library\\", "macOS: administrators"),
    ("\\etc\\", "belongs to root"),
    ("\\boot\\", "belongs to root"),
)
"""Folders that an ordinary user does not write, each with the reason. Not `/Applications`: the
first user of a Mac is an administrator and writes there without a password."""
ANYBODY = (
    ("c:\\windows\\temp\\", "users may create files here"),
    ("c:\\windows\\tasks\\", "likewise"),
    ("c:\\windows\\tracing\\", "likewise"),
    ("c:\\windows\\debug\\wia\\", "likewise"),
    ("c:\\windows\\registration\\crmlog\\", "likewise"),
    ("c:\\windows\\system32\\com\\dmp\\", "likewise"),
    ("c:\\windows\\system32\\fxstmp\\", "likewise"),
    ("c:\\windows\\system32\\microsoft\\crypto\\rsa\\machinekeys\\", "likewise"),
    ("c:\\windows\\system32\\spool\\drivers\\color\\", "likewise"),
    ("c:\\windows\\system32\\spool\\printers\\", "likewise"),
    ("c:\\windows\\system32\\spool\\servers\\", "likewise"),
    ("c:\\windows\\system32\\tasks\\", "likewise"),
    ("c:\\windows\\syswow64\\com\\dmp\\", "likewise"),
    ("c:\\windows\\syswow64\\fxstmp\\", "likewise"),
    ("c:\\windows\\syswow64\\tasks\\", "likewise"),
    ("c:\\programdata\\chocolatey\\lib\\", "whatever its packages brought along"),
    ("c:\\programdata\\microsoft\\windows defender\\quarantine\\", "what it caught lies here"),
    *(
        (f"\\usr\\local\\{name}\\", "macOS: Homebrew on Intel gives it to who installs it")
        for name in (
            "bin caskroom cellar etc frameworks homebrew include lib opt sbin share var".split()
        )
    ),
    ("\\opt\\homebrew\\", "likewise"),
    ("\\opt\\lampp\\htdocs\\", "a web server's own files: uploads land here"),
    ("\\library\\caches\\", "macOS: anybody may create files here"),
    ("\\usr\\share\\tomcat\\webapps\\", "a web server's own files: uploads land here"),
)
"""What of these a user may write nevertheless."""
PROVIDERS_NAMES = ("eks:", "aksservice", "service-agent-manager@")
"""Beginnings of names that the provider of a cluster or a cloud alone has."""
CLUSTERS_NAMES = (
    *("system:kube-", "system:node:", "system:apiserver", "system:serviceaccount:kube-system:"),
)
"""Beginnings of names that a cluster's own parts have. A service account of another namespace is
whoever runs in that pod."""
SERVICE_ROLES = ("aws-service-role", "role/awsservicerolefor")
"""In the names of roles that AWS alone can make and take on."""
SERVICE_HOSTS = (".amazonaws.com",)
"""Ends of what CloudTrail says as the address of a call that a service makes."""
_CLOSED = (
    *("hklm\\", "hkey_local_machine\\", "\\registry\\machine\\"),
    *("\\var\\lib\\", "\\var\\log\\", "\\var\\spool\\cron\\", "\\run\\systemd\\"),
)
"""Where programs do not lie and only administrators write."""
_ADMINISTRATORS = tuple(folder for folder, _ in ADMINISTRATORS)
_ANYBODY = tuple(folder for folder, _ in ANYBODY)


def folded(path: str) -> str:
    """A path for comparison: lower case, `\\` between its parts, `..` followed.

    `\\Device\\HarddiskVolume3\\Users` is `c:\\users`: drivers name the volume by number, and nearly
    always it is the system's. A name without a folder stays one.
    """
    return _folded(path) if len(path) <= _MOST else _fold(path[:_MOST])


def _fold(path: str) -> str:
    text = path.strip().strip("\"'").lower()
    if text.startswith("file:///"):
        text = text[8:].replace("%3a", ":").replace("%20", " ")
        text = text if text[1:2] == ":" else "/" + text
    text = text.replace("/", "\\")
    for prefix, instead in _PREFIXES:
        text = instead + text[len(prefix) :] if text.startswith(prefix) else text
    text = _VOLUME.sub(lambda _: "c:\\", text, 1) if text.startswith("\\device\\") else text
    for variable, folder in _VARIABLES:
        if text.startswith(variable):
            text = folder + text[len(variable) :]
    if "\\" not in text:
        return text
    remote = text.startswith("\\\\")
    parts: list[str] = []
    for part in text.split("\\"):
        if part == "..":
            # Above the root of a drive there is nothing but the root.
            if len(parts) != 1 or not parts[0].endswith(":"):
                del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    start = "\\\\" if remote else "\\" if text.startswith("\\") else ""
    end = "\\" if text.endswith("\\") else ""
    return start + "\\".join(parts) + end


_folded = lru_cache(maxsize=8_192)(_fold)


def has_folder(path: str) -> bool:
    """Whether a folded path says where the file lies."""
    return path.startswith("\\") or path[1:3] == ":\\"


def beyond_reach(path: str) -> bool:
    """Whether a folded path is one that an ordinary intruder cannot have put a file at."""
    if not path.startswith(_ADMINISTRATORS) or path.startswith(_ANYBODY):
        return False
    if path[1:2] == ":" and _ALIAS.search(path):
        return False
    return ":" not in path[2:]  # a stream beside the file is somebody's own


def provider_alone(name: str) -> bool:
    """Whether nobody but the provider can act under a name, written in lower case."""
    return name.startswith(PROVIDERS_NAMES) or any(role in name for role in SERVICE_ROLES)


def reserved_caller(name: str) -> bool:
    """Whether a platform or its parts alone act under a name, written in lower case.

    Not so for a client's id: that of a public client (Azure CLI, the brokers) is claimed by
    whoever signs in, a phished device code included.
    """
    return provider_alone(name) or name.startswith(CLUSTERS_NAMES)


def from_service(said: str) -> bool:
    """Whether a call came from inside a cloud service: CloudTrail then names the service as its
    address and as what invoked it. `AWS Internal`, which a console's user brings about, is none.
    """
    return said.lower().endswith(SERVICE_HOSTS)


def users_write_not(target: str) -> bool:
    """Whether what was touched, a file or a registry key, is closed to ordinary users."""
    path = folded(target)
    return beyond_reach(path) or path.startswith(_CLOSED)
