"""Names, folders and hosts that are nobody's own: to whom they belong tells nothing.

What other projects list of a product is as good as their contributors were careful. A row that
gave a product the system's programs, or the folder that all are installed in, would explain
everything by it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from lofp_enrich.search.alert.programs import INTERPRETERS
from lofp_enrich.search.alert.reach import ADMINISTRATORS, ANYBODY

SYSTEM_PROGRAMS = INTERPRETERS | frozenset(
    "at.exe atbroker.exe bitsadmin.exe calc.exe cmdkey.exe conhost.exe consent.exe control.exe"
    " csrss.exe ctfmon.exe dllhost.exe dsquery.exe dwm.exe esentutl.exe expand.exe explorer.exe"
    " findstr.exe fodhelper.exe fontdrvhost.exe forfiles.exe ftp.exe gpupdate.exe hh.exe"
    " logonui.exe lsaiso.exe lsass.exe lsm.exe makecab.exe mmc.exe msdt.exe msiexec.exe msra.exe"
    " mstsc.exe net.exe net1.exe netsh.exe nltest.exe notepad.exe ntdsutil.exe odbcconf.exe"
    " quickassist.exe reg.exe regedit.exe regini.exe runas.exe runonce.exe runtimebroker.exe"
    " sc.exe schtasks.exe searchindexer.exe sethc.exe services.exe sihost.exe smss.exe"
    " spoolsv.exe sshd.exe svchost.exe taskhost.exe taskhostw.exe taskkill.exe taskmgr.exe tar.exe"
    " tscon.exe userinit.exe utilman.exe vssadmin.exe wbadmin.exe wevtutil.exe werfault.exe"
    " winlogon.exe wininit.exe winrm.exe winrs.exe wmiprvse.exe wsl.exe wusa.exe xcopy.exe".split()
)
"""Programs that run anything or are the system's, wherever a vendor has put one of such a name."""
_PASSED_AROUND = frozenset(
    "7za.exe devcon.exe dpinst.exe ffmpeg.exe git.exe handle.exe netcat.exe nmap.exe nssm.exe"
    " openssl.exe paexec.exe plink.exe procdump.exe putty.exe rclone.exe srvany.exe unrar.exe"
    " winpty-agent.exe winpty-agent64.exe winsw.exe winvnc.exe wperl.exe".split()
)
"""Programs that many products bring along."""

_SHORTEST = 4
"""Letters and digits of a program's name that can be somebody's own: not `rd.exe`, `dd.exe`."""
_GENERAL_WORDS = frozenset(
    "access admin administrator agent amd app application arm assist auto backup bin client"
    " cloud com config connect connection connector console control core customer daemon data"
    " demo desk desktop diag display distribution download downloader engine file files free ftp"
    " handler help helper home host http icon inc info install installer launch launcher lib"
    " library lite live loader local login main manager manual mini module monitor monitoring"
    " msi my net network new online open pc player plugin policy portable print pro process"
    " program proxy quick rdp recovery release remote report rmm root run runner scan scanner"
    " screen security send server service session set setup share shell shield silent software"
    " speed ssh start starter startup stub support svc srv sync sys system task team temp"
    " terminal test tool tools transfer tray ui uninstall uninstaller unattended update updater"
    " upgrade upload uploader user users util utility version video view viewer vnc vpn web win"
    " window windows wizard work x".split()
)
"""Of such words the names of many products' programs are made: `RemoteSupport.exe`."""
_LONGEST_WORD = max(map(len, _GENERAL_WORDS))

_SYSTEM_FOLDERS = ("c:\\windows\\system32\\", "c:\\windows\\syswow64\\", "c:\\windows\\sysnative\\")
_GENERAL_FOLDERS = frozenset(
    "all users|appdata|application support|applications|assembly|bin|boot|caches|ccm|common files"
    "|contents|cursors|debug|default|default user|desktop|diagnostics|documents"
    "|downloaded program files|downloads|drivers|etc|extensions|fonts|frameworks|globalization|help"
    "|home|immersivecontrolpanel|inetcache|inf|init.d|installer|internet explorer|launchagents"
    "|launchdaemons|lib|lib64|libexec|library|local|local settings|locallow|localservice|log|logs"
    "|macos|microsoft.net|mnt|music|networkservice|opt|package cache|packages|panther"
    "|performance|perflogs|pictures|policydefinitions|prefetch|preferences|programdata"
    "|program files|program files (x86)|programs|provisioning|public|recovery|registration"
    "|resources|roaming|root|run|sbin|security|serviceprofiles|services|servicing|share"
    "|shellcomponents|shellexperiences|snap|softwaredistribution|speech|srv|start menu|startup"
    "|sysnative|sysprep|system|system apps|system32|systemapps|systemd|systemprofile"
    "|systemresources|syswow64|tasks|temp|tmp|tracing|user data|users|usr|utilities|var|videos"
    "|volumes|web|windows|windowsapps|winevt|winsxs|x64|x86".split("|")
) | frozenset(
    # Vendors of so much that their folder tells no product.
    "adobe amd apple cisco citrix dell google hewlett-packard hp ibm intel java lenovo microsoft"
    " mozilla nvidia oracle symantec vmware".split()
)
_OF_THE_SYSTEM = re.compile(r"windows\b.*|microsoft (?:office|shared|sql server|\.net)\b.*")
_LITERAL = 4
"""Letters and digits that a folder's name with a `*` must have of its own."""
_STARS = 2
_HOMES = ("users", "home", "documents and settings")
"""In which the next folder is a person's."""
_NOBODYS = {folder for folder, _ in (*ADMINISTRATORS, *ANYBODY)}
_ROOT = re.compile(r"(?:c:)?\\([^\\*]+)\\")


def fault_of_program(name: str, folder: str) -> str:
    """Why a program's name is no product's own, empty where it may be. Both are folded."""
    stem = name[: -len(".exe")] if name.endswith(".exe") else name
    if name in SYSTEM_PROGRAMS or f"{stem}.exe" in SYSTEM_PROGRAMS or folder in _SYSTEM_FOLDERS:
        return "program of the system"
    own = letters(stem)
    many = len(own) < _SHORTEST or _is_general(own) or name in _PASSED_AROUND
    return "name of many" if many else ""


def _is_general(word: str) -> bool:
    """Whether a name is made of nothing but general words and digits."""
    ends = [True] + [False] * len(word)
    for at, letter in enumerate(word):
        if not ends[at]:
            continue
        if letter.isdigit():
            ends[at + 1] = True
        for end in range(at + 1, min(len(word), at + _LONGEST_WORD) + 1):
            ends[end] = ends[end] or word[at:end] in _GENERAL_WORDS
    return ends[-1]


def fault_of_folder(path: str) -> str:
    """Why a folder, folded, is no product's own, empty where it may be."""
    if path in _NOBODYS or path.startswith(_SYSTEM_FOLDERS) or not _ROOT.match(path):
        return "folder of many"
    parts = [part for part in path.split("\\") if part not in ("", "c:")]
    if max(part.count("*") for part in parts) > _STARS:
        return "folder of many"
    below = parts[2:] if parts[0] in _HOMES else parts
    return "" if any(map(_is_own, below)) else "folder of many"


def _is_own(part: str) -> bool:
    own = letters(part)
    if part in _GENERAL_FOLDERS or _OF_THE_SYSTEM.fullmatch(part):
        return False
    return len(own) >= (_LITERAL if "*" in part else 2)


def own_words(names: Collection[str]) -> frozenset[str]:
    """The words that names have for themselves, by their letters: `anydesk`, not `remote`."""
    words = (letters(word) for name in names for word in re.split(r"[\s()/,&+-]+", name))
    whole = map(letters, names)
    return frozenset(
        word for word in (*words, *whole) if len(word) >= _SHORTEST and not _is_general(word)
    )


def letters(name: str) -> str:
    """A name without all that spelling varies: blanks, marks and case."""
    return "".join(filter(str.isalnum, name.casefold()))


_SECOND_LEVEL = frozenset("ac co com edu gov ne net or org".split())


def own_label(host: str) -> str:
    """The part of a host that its owner registered: `example` of `cdn.example.co.uk`."""
    labels = host.split(".")
    at = -3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else -2
    return labels[at] if len(labels) >= -at else labels[0]


_SHARED_SITES = frozenset(
    "akamai amazon amazonaws appspot apple azure azureedge blogspot cloudflare cloudflarestorage"
    " cloudfront codeplex digitaloceanspaces fandom firebaseapp github githubusercontent gitlab"
    " google googleapis googleusercontent gstatic herokuapp linkedin live medium microsoft"
    " microsoftonline netlify office pages pubnub sentry softonic sourceforge vercel"
    " visualstudio web wikipedia windows wordpress workers".split()
)
"""Of whom many have a site or a service."""


def is_shared_site(host: str) -> bool:
    """Whether a host is one of many people's, by the name that its owner registered."""
    return own_label(host) in _SHARED_SITES
