"""Programs by name, those that run anything, and the scripts that these run."""

from __future__ import annotations

import re
from typing import NamedTuple

from lofp_enrich.search.alert.reach import folded

_MOST = 1_000
"""Characters of a command line that are looked at for its script."""
INTERPRETERS = frozenset(
    "bash bitsadmin bitsadmin.exe certutil.exe cmd.exe cscript.exe csh curl curl.exe dash fish"
    " installutil.exe java java.exe javaw.exe ksh lua mshta.exe msbuild.exe msxsl.exe nc ncat node"
    " node.exe openssl osascript perl perl.exe php php.exe powershell.exe psexec.exe pwsh pwsh.exe"
    " python python.exe python3 pythonw.exe regasm.exe regsvcs.exe regsvr32.exe ruby ruby.exe"
    " rundll32.exe sh socat ssh ssh.exe su sudo tclsh telnet wget wmic.exe wscript.exe"
    " zsh".split()
)
"""Programs that run, fetch or forward anything: being started, or starting, they say nothing. What
tells is the script."""
SWITCHES = re.compile(r'"{0,2}(?:\s+[-/]{1,2}[A-Za-z][\w-]{0,60})*\s*"{0,2}', re.ASCII)
"""What may stand behind a program or a script that is told nothing: what it could be told to run
has a dot, a slash, a sign or a word of its own."""
_SCRIPT = re.compile(
    r"""
    \s*"?(?P<runs>(?:[a-z]:\\|/)[^"*?<>|]{1,200}?|[\w.-]{1,40})"?
    (?:\s+[-/]{1,2}[a-z][\w-]{0,30}
        (?:\s+(?:bypass|unrestricted|remotesigned|allsigned|hidden|minimized|normal|\d{1,5}))?){0,12}
    \s+"{0,2}
    (?P<path>[a-z]:\\[^"'*?<>|&;]{3,300}?\.(?:ps1|bat|cmd|vbs|js|wsf|py|pl|rb|jar)\b
        |/[^\s"'*?<>|&;$`()]{2,300})
    """,
    re.VERBOSE | re.IGNORECASE,
)


def program(path: str) -> str:
    """The name of a program without its folder, lower case; `python3.11` is `python`."""
    return folded(path).rpartition("\\")[2].rstrip("0123456789.") if path else ""


class Script(NamedTuple):
    """What an interpreter runs."""

    path: str
    alone: bool
    """Nothing else stands in the command line but switches: nothing was handed to it."""


def script_of(command_line: str) -> Script | None:
    """The script that a command line has an interpreter run; None for any other command line."""
    found = _SCRIPT.match(command_line[:_MOST])
    runs = program(found["runs"]) if found else ""
    if not found or INTERPRETERS.isdisjoint((runs, f"{runs}.exe")):
        return None
    return Script(found["path"], bool(SWITCHES.fullmatch(command_line, found.end("path"))))
