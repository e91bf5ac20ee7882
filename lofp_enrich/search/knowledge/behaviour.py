"""What software of a category does of its own, whichever product it is."""

from __future__ import annotations

from collections.abc import Iterator

from lofp_enrich.search.alert.detection import condition
from lofp_enrich.search.knowledge.software import Doing

RUNS_ANYTHING = {
    "browser": "intrusions come out of what it opens",
    "office": "documents run what they bring along",
    "conferencing": "messages bring files that run",
    "messaging": "messages bring files that run",
    "web-server": "a web shell runs as its child",
    "database": "whoever may query it may run programs through it",
    "rmm": "it runs whatever somebody at the other end types",
    "remote-access": "it runs whatever somebody at the other end types",
    "developer-tool": "it runs whatever the project says",
    "container-runtime": "it runs whatever the image holds",
    "gaming": "mods run what they bring along",
    "media": "downloads run what they bring along",
    "utility": "it opens whatever it is told to",
}
"""Categories whose place as a parent tells nothing of what they started, each with the reason."""
BROUGHT_ALONG = {
    "rmm": "intruders install it, folder and signature as they should be",
    "remote-access": "intruders install it, folder and signature as they should be",
    "breach-simulation": "it does what intruders do, and is imitated",
    "forensics": "it reads what intruders read, and is brought along by them",
    "security-tool": "it reads what intruders read, and is brought along by them",
}
"""Categories that never fit by their own programs alone, each with the reason."""
OWN_WORK = {
    "accounting": "updates itself and its data",
    "antivirus": "scans files, registry and memory, and guards its own",
    "backup": "reads all files, writes its catalogue, calls its server",
    "container-runtime": "unpacks images and writes what containers need",
    "deployment": "writes what it installs",
    "edr": "scans files, registry and memory, and guards its own",
    "endpoint-management": "takes inventory, writes settings and what it installs",
    "hardware-driver": "writes its settings and updates",
    "hypervisor": "serves its machines",
    "identity": "guards and reads accounts",
    "mdm": "writes the settings that it manages",
    "monitoring": "reads state and logs, calls its server",
    "package-manager": "writes the files of its packages",
    "print": "writes jobs and queues",
    "scanner": "reads files, registry and network",
    "storage-sync": "writes the files that it synchronises",
    "updater": "writes the product that it updates",
    "vpn": "changes routes, names and its own settings",
}
"""Categories whose own programs touch files, registry, modules and network as their work."""
TALKS = {
    "browser": "goes wherever a page or the person sends it",
    "conferencing": "calls its service and what people share in it",
    "messaging": "calls its service and what people share in it",
    "storage-sync": "calls its service",
}
"""Categories whose own programs use the network as their work, and nothing else by that."""
LOADS_ANYTHING = frozenset(("database", "office", "operating-system", "web-server"))
"""Categories in which a library of the system is no matter of course: macros and web shells load
these."""
STARTERS = frozenset(("services.exe", "systemd", "launchd", "init"))
"""What starts services: nothing else can be told to run something by whoever sits there."""
READS_LSASS = frozenset(
    ("antivirus", "edr", "endpoint-management", "identity", "monitoring", "scanner")
)
"""Those of them that open every process, LSASS too."""
TAKES_INVENTORY = frozenset(
    "antivirus backup edr endpoint-management hardware-driver identity mdm monitoring print"
    " scanner updater vpn".split()
)
"""Categories that start the system's tools to see what machine they are on."""
RUNS_TOOLS = TAKES_INVENTORY | {"deployment", "hypervisor", "package-manager"}
"""Categories that use the system's tools in their work; nobody is offered a shell by them."""
NO_TOOLS = frozenset(
    "bash bitsadmin bitsadmin.exe certutil.exe cmd.exe cscript.exe csh curl curl.exe dash fish"
    " installutil.exe java java.exe ksh lua mshta.exe msbuild.exe msxsl.exe nc ncat node node.exe"
    " openssl osascript perl php php.exe powershell.exe psexec.exe pwsh pwsh.exe python python.exe"
    " python3 regasm.exe regsvcs.exe regsvr32.exe ruby rundll32.exe sh socat ssh ssh.exe su sudo"
    " tclsh telnet wget wmic.exe wscript.exe zsh".split()
)
"""Tools of the system that run, fetch or forward anything: they say nothing by being started."""
_ASKS = (
    "\\arp.exe \\dmidecode \\df \\dscl \\fltmc.exe \\getmac.exe \\gpresult.exe \\hostname"
    " \\hostname.exe \\id \\ifconfig \\ipconfig.exe \\lscpu \\lsblk \\lsof \\lspci \\mount"
    " \\netstat \\netstat.exe \\pmset \\ps \\quser.exe \\route.exe \\sw_vers \\sysctl"
    " \\system_profiler \\systeminfo.exe \\tasklist.exe \\uname \\uptime \\ver.exe \\who"
    " \\whoami \\whoami.exe"
).split()
_INVENTORY = (
    {"process|endswith": _ASKS},
    {"process|endswith": ["\\wmic.exe"], "command_line|contains": [" get "]},
    {"process|endswith": ["\\reg.exe", "\\sc.exe", "\\schtasks.exe"],
     "command_line|contains": [" query", "/query", " qc "]},
    {"process|endswith": ["\\net.exe", "\\net1.exe"],
     "command_line|contains": [" accounts", " localgroup administrators", " start", " share"]},
    {"process|endswith": ["\\dpkg", "\\rpm", "\\dpkg-query"],
     "command_line|contains": [" -l", " -q", " -w", " --list", " -s "]},
    {"command_line": [f"{shell} {ask}" for shell in (
        "cmd /c", "cmd.exe /c", "c:\\windows\\system32\\cmd.exe /c",
        '"c:\\windows\\system32\\cmd.exe" /c', "sh -c", "/bin/sh -c", "bash -c", "/bin/bash -c",
    ) for ask in (
        "df -h", "hostname", "id", "ipconfig", "ipconfig /all", "netstat -an", "netstat -ano",
        "set", "systeminfo", "tasklist", "uname -a", "uptime", "ver", "whoami",
    )]},
)  # fmt: skip
INVENTORY = tuple(
    Doing("parent", "asks the system what it is", condition(each)) for each in _INVENTORY
)


def doings_of(category: str) -> Iterator[Doing]:
    """What any product of a category does as a parent."""
    if category in TAKES_INVENTORY:
        yield from INVENTORY
