"""What the live kit asks of a Splunk: searches on events that they make themselves.

Each says what it would tell: where the answer differs from the emulator's, that sentence is what
nobody knew. Nothing here reads an index, but for the app's own reports over the last minute.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lofp_enrich.deploy import package
from tests.splunkd.apps import read_conf

ALERTS = (
    "| makeresults count=4 | streamstats count AS n "
    '| eval mitre_technique_id=case(n=1, "T1059.001", n=2, "T1003.001", n=3, "TA0002"), '
    'rule_name="LoFP live ".n, dest="host-".n, process="powershell.exe -File C:\\\\x\\\\".n.".ps1"'
)
SCRATCH = "{scratch}"
"""Stands for the name of the kit's own lookup file."""


class Check(NamedTuple):
    """A search, and what it is to find out."""

    name: str
    asks: str
    search: str
    earliest: str = "-1m"
    ordered: bool = True
    refused: bool = False
    """Whether Splunk is to refuse it."""
    runs: bool = False
    """Whether it is enough that it runs: what it gives is the site's own."""
    chain: str = ""
    """What goes on with its results, as a chain search of a dashboard does."""


_WIDE = ", ".join(f'wide_{number:03}="{number}"' for number in range(150))
_OPTIONS = {
    "defaults": "",
    "technique_field": "technique_field=mine",
    "rule_field": "rule_field=rule_name",
    "context_fields": 'context_fields="dest,process"',
    "source": "source=entries",
    "product": "product=windows",
    "kind": "kind=benign",
    "evidence": "evidence=open",
    "match": "match=exact",
    "output": "output=full",
    "max": "max=1",
    "min_score": "min_score=0",
    "prefix": "prefix=x_",
    "expand": "expand=t max=2",
    "narrow": "narrow=f",
}

COMMAND = [
    *(
        Check(
            f"option {name}",
            "the command takes the option, and says what it says here",
            f'{ALERTS} | eval mine="T1105" | lofpenrich {given}',
        )
        for name, given in _OPTIONS.items()
    ),
    Check(
        "unknown option",
        "a mistake is refused in words",
        f"{ALERTS} | lofpenrich nosuch=1",
        refused=True,
    ),
    Check(
        "wide events, narrow",
        "150 fields that the command does not ask for come back on their own events",
        f"{ALERTS} | eval {_WIDE} | lofpenrich max=1",
    ),
    Check(
        "wide events, all fields",
        "150 fields go through the command and come back",
        f"{ALERTS} | eval {_WIDE} | lofpenrich max=1 narrow=f",
    ),
    Check(
        "merge by _chunked_idx",
        "the rest of 2,000 events is merged with the right answer, in their order",
        "| makeresults count=2000 | streamstats count AS n "
        '| eval mitre_technique_id=if(n%2=0, "T1059.001", "T1003.001"), kept="row ".n '
        "| lofpenrich max=1 | table n kept mitre_technique_id lofp_technique lofp_status",
    ),
    Check(
        "multivalue fields",
        "several values, $ and ; in them, arrive and come back as they were",
        '| makeresults | eval mitre_technique_id=split("T1059.001|T1003.001", "|"), '
        'other=split("a$b|c;d|$e$;", "|") | lofpenrich max=1',
    ),
    Check(
        "no event",
        "nothing in, nothing out, no message",
        "| makeresults | where isnull(_time) | lofpenrich | stats count",
    ),
]
LOOKUPS = [
    Check(
        "empty cells written",
        "a lookup that a search has written keeps its columns",
        '| makeresults | eval a="x", b="", c="y" | table a b c '
        f"| outputlookup override_if_empty=false {SCRATCH}",
    ),
    Check(
        "empty cells read",
        "whether inputlookup takes an empty cell for null or for a text",
        f'| inputlookup {SCRATCH} | eval empty=if(isnull(b), "null", "text") | table a c empty',
    ),
    Check(
        "empty cells appended",
        "append keeps what was there",
        f'| makeresults | eval a="z", c="w" | table a c | outputlookup append=t {SCRATCH} '
        "| stats count",
    ),
    Check(
        "rows after append",
        "columns that the new row lacks are empty in it",
        f'| inputlookup {SCRATCH} | fillnull value="-" a b c | sort 0 +a | table a b c',
    ),
    Check(
        "lookup at the search head",
        "a definition of the app is found",
        '| makeresults | eval technique="T1059.001" '
        "| lookup local=true lofp_attack technique OUTPUT name | table technique name",
    ),
]
LANGUAGE = [
    Check(
        "sort by a lone minus",
        "a minus that stands alone holds for all fields behind it",
        "| makeresults count=4 | streamstats count AS n | eval a=n%2, b=n | table a b "
        "| sort 0 - a, b",
    ),
    Check(
        "sort by signs",
        "each field has its own sign",
        "| makeresults count=4 | streamstats count AS n | eval a=n%2, b=n | table a b "
        "| sort 0 -a, +b",
    ),
    Check(
        "groups of empty texts",
        "whether stats keeps a group whose value is an empty text",
        '| makeresults count=2 | streamstats count AS n | eval a=if(n=1, "", "x") '
        "| stats count BY a",
    ),
    Check(
        "text within a text",
        "split finds a text whatever its signs, backslashes too",
        '| makeresults | eval hay="c:\\\\windows\\\\temp_1%", '
        'a=mvcount(split(hay, "s\\\\t")), b=mvcount(split(hay, "p_1%")), '
        'c=mvcount(split(hay, "no")) | table a b c',
    ),
    Check(
        "JSON in a field",
        "backslashes and quotes are doubled in it, and one again when it is read",
        '| makeresults | eval path="C:\\\\a \\"b\\"", j=json_object("path", path), '
        'back=json_extract_exact(j, "path"), same=if(back=path, "yes", "no") | table j same',
    ),
    Check(
        "digest",
        "sha256 is there, on machines in FIPS mode too",
        '| makeresults | eval a=sha256("lofp") | table a',
    ),
    Check(
        "chain search",
        "what a chain makes of the command's results",
        f"{ALERTS} | lofpenrich max=1 | table n lofp_status",
        chain="stats count BY lofp_status | sort 0 +lofp_status",
    ),
]
MACROS = [
    Check(
        "macro with an argument",
        "quotes around an argument are not part of it",
        '| makeresults | eval mine="T1059.001" | `lofp_enrich("mine")`',
    ),
    Check(
        "macro that validates",
        "what is no technique is refused in the macro's words",
        '| `lofp_of_technique("T1059 | delete")` | lofpenrich',
        refused=True,
    ),
]


def reports() -> list[Check]:
    """The app's reports that only read, each over one minute."""
    stanzas = read_conf(package.TEMPLATE / "default" / "savedsearches.conf")
    return [
        Check(name, "the report runs as shipped", stanza["search"], runs=True)
        for name, stanza in stanzas.items()
        if "outputlookup" not in stanza["search"] and not re.search(r"\$\w+\$", stanza["search"])
    ]


def checks() -> list[Check]:
    """All searches of the kit."""
    return [*COMMAND, *LOOKUPS, *LANGUAGE, *MACROS, *reports()]
