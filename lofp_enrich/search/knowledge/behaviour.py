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
    "ide": "it runs whatever the project and its extensions say",
    "ai-tool": "it runs whatever the model was told, by the pages that it read too",
    "ci": "it runs whatever the job says",
    "iac": "it runs whatever the plan says",
    "package-manager": "it runs whatever the package brings, and whatever its options say",
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
AGENTS = frozenset(
    "antivirus backup edr endpoint-management hardware-driver identity mdm monitoring scanner"
    " updater".split()
)
"""Categories that run as services and on their own account: no user tells them what to touch."""
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
"""Categories whose own programs touch files, registry, modules and network as their work. Of those
that are no agents it tells nothing unless what they touch is closed to users."""
ROOT_BY_ASKING = frozenset(("container-runtime",))
"""Categories through which users write what is closed to them: the group of Docker is as good as
root."""
COMMANDED = frozenset(
    "agentexecutor.exe ansible ansible-playbook appvlp.exe apt apt-get azcmagent.exe cmdagent.exe"
    " configsecuritypolicy.exe dnf docker dpkg duplicati.commandline.exe facter mpcmdrun.exe"
    " msdeploy.exe msiexec.exe nsclient++.exe offlinescannershell.exe"
    " onedrivestandaloneupdater.exe openvpn openvpn.exe puppet puppet.exe rclone rclone.exe"
    " restic restic.exe rpm rsync salt-call scriptrunner.exe squirrel.exe update.exe usoclient.exe"
    " vmrun.exe wuauclt.exe yum zabbix_sender.exe".split()
)
"""Programs of agents that do what their command line says, whoever types it: what LOLBAS and
GTFOBins list of them."""
TALKS = {
    "browser": "goes wherever a page or the person sends it",
    "conferencing": "calls its service and what people share in it",
    "messaging": "calls its service and what people share in it",
    "storage-sync": "calls its service",
}
"""Categories whose own programs use the network as their work. It tells nothing: a lure is opened
in the browser, and what is injected into it calls from there."""
ASKED_OVER_THE_NETWORK = frozenset(("monitoring",))
"""Agents that many sites let run what whoever reaches their port asks for (NRPE, Zabbix)."""
STARTERS = frozenset(("services.exe", "systemd", "launchd", "init"))
"""What starts services: nothing else can be told to run something by whoever sits there."""
READS_LSASS = frozenset(
    ("antivirus", "edr", "endpoint-management", "identity", "monitoring", "scanner")
)
"""Agents that open every process, LSASS too."""
RUNS_TOOLS = AGENTS | {"deployment", "hypervisor", "package-manager", "print", "vpn"}
"""Categories that use the system's tools in their work; nobody is offered a shell by them."""
_ASKS = (
    "\\dmidecode \\df \\fltmc.exe \\getmac.exe \\gpresult.exe \\hostname \\hostname.exe"
    " \\ifconfig \\ipconfig.exe \\lsb_release \\lscpu \\lsblk \\lsmod \\lsof \\lspci \\netstat"
    " \\netstat.exe \\pmset \\ps \\quser.exe \\sw_vers \\system_profiler \\systeminfo.exe"
    " \\tasklist.exe \\uname \\uptime \\ver.exe \\who"
).split()
"""Tools that do nothing but tell of the machine. Not `whoami` and `id`: who got in asks these."""
_WINDOWS = "c:\\windows\\system32\\"


def _lines(tool: str, *arguments: str) -> list[str]:
    """A tool's command lines, as they are spelt."""
    spelt = (tool, f"{tool}.exe", f"{_WINDOWS}{tool}.exe", f'"{_WINDOWS}{tool}.exe"')
    return [f"{one}{gap}{each}" for one in spelt for gap in (" ", "  ") for each in arguments]


_SHELLS = (
    *("sh -c", "/bin/sh -c", "bash -c", "/bin/bash -c"),
    *("cmd /c", "cmd.exe /c", f"{_WINDOWS}cmd.exe /c", f'"{_WINDOWS}cmd.exe" /c'),
)
_QUERIES = (
    *_lines("reg", "query "),
    *_lines("sc", "query", "qc ", "qdescription "),
    *_lines("schtasks", "/query"),
    *(
        "dpkg -l",
        "dpkg --list",
        "dpkg -s ",
        "dpkg-query -",
        "rpm -qa",
    ),
    *("dscl . -list ", "dscl . list ", "/usr/bin/dscl . -list "),
)
"""How a command line begins that only asks, of tools that can do more. What stands further behind
may be anybody's text."""
_QUESTIONS = (
    *_lines("net", "accounts", "localgroup administrators", "share", "start"),
    *_lines("route", "print"),
    *_lines("arp", "-a"),
    *("mount", "sysctl -a", "route -n"),
    *(
        f"{shell} {ask}"
        for shell in _SHELLS
        for ask in (
            *("df -h", "hostname", "ipconfig", "ipconfig /all", "netstat -an", "netstat -ano"),
            *("set", "systeminfo", "tasklist", "uname -a", "uptime", "ver"),
        )
    ),
)
"""Whole command lines that only ask."""
INVENTORY = tuple(
    Doing("parent", "asks the system what it is", condition(each))
    for each in (
        {"process|endswith": _ASKS},
        {"command_line|startswith": list(_QUERIES)},
        {"command_line": list(_QUESTIONS)},
    )
)

_SERVICE_MANAGER = (
    *("systemctl daemon-reload", "systemctl enable", "systemctl restart", "systemctl start"),
    *("systemctl status", "chkconfig --add", "chkconfig --list", "update-rc.d", "rc-update add"),
    *("launchctl list", "launchctl print", "launchctl bootstrap system", "launchctl kickstart"),
)
UPKEEP = Doing(
    "parent",
    "sees to a service",
    condition(
        {
            "process|endswith": ["\\systemctl", "\\chkconfig", "\\update-rc.d", "\\launchctl"],
            "command_line|startswith": list(_SERVICE_MANAGER),
        }
    ),
)
"""What starts a service or makes it start; not what stops one or hides it."""
_OWN_ADDRESS = (
    "api.ip.sb api.ipify.org api64.ipify.org api.myip.com checkip.amazonaws.com"
    " checkip.dyndns.org db-ip.com icanhazip.com ident.me ifconfig.co ifconfig.io ifconfig.me"
    " ip-api.com ip.me ipapi.co ipecho.net ipinfo.io ipwho.is l2.io myexternalip.com"
    " whatismyip.akamai.com whatismyip.com whatismyipaddress.com wtfismyip.com"
).split()
BROWSES = (
    Doing(
        "process",
        "asks a site which address it comes from, as pages and people do",
        condition({"domain": [form for each in _OWN_ADDRESS for form in (each, f"www.{each}")]}),
    ),
    Doing(
        "process",
        "signs in with the account of the session",
        condition({"object|endswith": "\\microsoftaccounttokenprovider.dll"}),
    ),
)
"""What every browser does that tells something: the rest is wherever somebody sends it."""

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
CHECK = "see in its own log or console whether it did this then, and ask whoever runs it"
"""What to look at where a category has nothing of its own."""


def doings_of(category: str) -> Iterator[Doing]:
    """What any product of a category does."""
    if category in RUNS_TOOLS - RUNS_ANYTHING.keys():
        yield from INVENTORY
    if category in AGENTS - ASKED_OVER_THE_NETWORK:
        yield UPKEEP
    if category == "browser":
        yield from BROWSES
