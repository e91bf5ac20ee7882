"""Products, alerts and actors for the tests of evidence."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.answer.actors import Actor
from lofp_enrich.search.answer.weigher import Weigher
from lofp_enrich.search.knowledge.columns import SOFTWARE
from lofp_enrich.search.knowledge.conditions import ConditionsIndex
from lofp_enrich.search.knowledge.software import SoftwareIndex

SYSTEM = "C:\\Windows\\System32\\"
HOME = "C:\\Program Files\\"


def product(key: str, category: str, *does: dict[str, Any], **values: str) -> dict[str, str]:
    name = key.title()
    known = {
        "processes": f"{key}.exe|{key}svc.exe",
        "folders": f"{HOME}{name}\\",
        "does": json.dumps(does) if does else "",
    }
    row = {**dict.fromkeys(SOFTWARE, ""), **known, **values}
    return {**row, "software": key, "name": name, "vendor": "V", "category": category}


ROWS = (
    product(
        *("vault", "backup"),
        {"role": "parent", "what": "copies a hive", "command_line|contains": " save "},
        {"role": "process", "what": "reads NTDS", "file|endswith": "\\ntds.dit"},
    ),
    product("guard", "edr"),
    product("keeper", "endpoint-management"),
    product("surf", "browser", {"role": "parent", "what": "installs a host", "user": "ada"}),
    product(
        *("host", "web-server"),
        {"role": "parent", "what": "rotates its log", "process|endswith": "\\rotate.exe"},
        {"role": "parent", "what": "asks", "command_line|contains": "host-version"},
        {"role": "parent", "what": "starts a worker", "parent|endswith": "\\hostsvc.exe"},
    ),
    product("watch", "monitoring"),
    product("shield", "antivirus", folders="/Applications/Shield.app/"),
    product("hand", "rmm"),
    product("drill", "breach-simulation"),
    product("kernel", "operating-system"),
    product("write", "office"),
    product("talk", "conferencing", hosts="*.talk.example"),
    product("sync", "storage-sync", signers="Sync Ltd."),
    product(
        *("deck", "conferencing"),
        {"role": "process", "what": "plays", "command_line|contains": "play"},
        **{"folders": "\\AppData\\Local\\Deck\\|C:\\Users\\*\\AppData\\Local\\Deck\\"},
        signers="Deck Inc.",
    ),
    product("box", "container-runtime"),
    product("part", "container-runtime", processes="", folders="", users="system:kube-part"),
    product("plane", "cloud-service", processes="", folders="", users="eks:*"),
    product("stack", "cloud-service", processes="", folders="", invoked_by="stack.amazonaws.com"),
    product("runner", "ci", processes="", folders="", users="system:serviceaccount:ci:*"),
)
INDEX = SoftwareIndex.of(ROWS)
CATEGORIES = {row["software"]: row["category"] for row in ROWS}


def alert(**values: str | tuple[str, ...]) -> Alert:
    each = {name: (v,) if isinstance(v, str) else v for name, v in values.items()}
    return Alert(each, (), (), {})


def at_home(key: str, program: str = "") -> str:
    return f"{HOME}{key.title()}\\{program or key + '.exe'}"


def actors(**values: str | tuple[str, ...]) -> list[Actor]:
    return Weigher(INDEX, ConditionsIndex(()), alert(**values)).actors()


def states(**values: str | tuple[str, ...]) -> list[tuple[str, str]]:
    return [(each.software.key, each.evidence.state) for each in actors(**values)]


CMD = SYSTEM + "cmd.exe"
WHOAMI = SYSTEM + "whoami.exe"
PLAIN = {"process": CMD, "command_line": "cmd /c x"}
LSASS = {"object": SYSTEM + "lsass.exe"}
RUN = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x"
PATH = st.sampled_from([CMD, WHOAMI, "vault.exe", SYSTEM + "services.exe"]) | st.tuples(
    st.sampled_from([HOME, "C:\\Users\\Public\\", "C:\\Windows\\Temp\\", "D:\\"]),
    st.sampled_from(sorted(CATEGORIES)),
).map(lambda pair: f"{pair[0]}{pair[1].title()}\\{pair[1]}.exe")
ALERTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("process", "parent", "file", "object", "registry_data"), PATH),
        **{name: st.text(max_size=9) for name in ("command_line", "user", "domain", "url")},
    },
)
