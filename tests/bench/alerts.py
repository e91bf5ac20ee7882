"""Alerts in quantity, made the same way every time: rules repeat, and what they found only where
that is asked for, for real alerts do not."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable, Iterator, Sequence

Alert = dict[str, str]

_TECHNIQUES = """
    T1003.001 T1012 T1018 T1021.001 T1021.002 T1027 T1033 T1036 T1047 T1053.005 T1055 T1059
    T1059.001 T1059.003 T1059.004 T1068 T1069.002 T1070.004 T1071.001 T1078 T1078.004 T1082
    T1087.002 T1090
    T1098 T1098.003 T1105 T1110 T1110.003 T1112 T1114.003 T1127 T1133 T1134 T1136.003 T1140 T1190
    T1203 T1204.002 T1218 T1218.011 T1219 T1222 T1484 T1485 T1489 T1490 T1505.003 T1528 T1530
    T1543.003 T1546 T1547.001 T1548 T1552 T1556 T1558.003 T1562.001 T1566.001 T1574.001
""".split()
_VERBS = "add create delete disable download encode enumerate export inject install modify".split()
_THINGS = "account bucket exclusion file key mailbox policy role service task token volume".split()
_PROGRAMS = (
    "powershell cmd rundll32 certutil schtasks net wmic reg python curl aws az msiexec".split()
)


def alerts(count: int, width: int = 20, seed: int = 7, contexts: int = 0) -> Iterator[Alert]:
    """`count` alerts of `width` fields: 500 rules, 60 techniques, all different; with `contexts`
    so many different ones in turn."""
    chance = random.Random(seed)
    rules = [
        (f"{chance.choice(_VERBS)} {chance.choice(_THINGS)} {number}".title(), technique)
        for number in range(500)
        for technique in [_TECHNIQUES[number % len(_TECHNIQUES)]]
    ]
    held = [_context(chance, *rules[number % len(rules)]) for number in range(contexts)]
    for number in range(count):
        repeated = number % contexts if contexts else number
        context = held[repeated] if held else _context(chance, *chance.choice(rules))
        alert = {
            **context,
            "_time": f"{1_700_000_000 + number}.000",
            "host": f"host-{repeated}",
            "user": f"user{repeated}",
            "src": f"workstation-{repeated}",
            "event_id": f"{number:08x}@@notable@@{number:032x}",
        }
        for filler in range(len(alert), width):
            alert[f"field_{filler}"] = f"value {number % 97} of {filler}"
        yield alert


def costly(count: int, techniques: int = 50, words: int = 2_500) -> Iterator[Alert]:
    """Alerts that somebody made to cost much: many techniques, and a command line of 20 kB of
    words that nobody has said before."""
    chance = random.Random(11)
    for alert in alerts(count):
        text = " ".join(f"{chance.getrandbits(32):x}" for _ in range(words))
        yield {
            **alert,
            "annotations.mitre_attack.mitre_technique_id": " ".join(_TECHNIQUES[:techniques]),
            "process": f"{alert['process']} {text}",
        }


def _context(chance: random.Random, rule: str, technique: str) -> Alert:
    program = chance.choice(_PROGRAMS)
    verb, thing = chance.choice(_VERBS), chance.choice(_THINGS)
    return {
        "search_name": f"Threat - {rule} - Rule",
        "annotations.mitre_attack.mitre_technique_id": technique,
        "process_name": f"{program}.exe",
        "process": rf"C:\Windows\System32\{program}.exe /{verb} {thing} {chance.random():.6f}",
        "parent_process_name": f"{chance.choice(_PROGRAMS)}.exe",
        "rule_description": f"Finds that {program} is used to {verb} a {thing} on a server.",
        "sourcetype": "XmlWinEventLog",
        "vendor_product": "Microsoft Sysmon",
        "severity": "medium",
        "urgency": "high",
        "security_domain": "endpoint",
    }


def session(
    events: Iterable[Alert], fields: Sequence[str], arguments: Sequence[str], chunk: int
) -> bytes:
    """All that splunkd writes to a command: getinfo, then events in chunks with these columns."""
    out = io.BytesIO()
    _frame(out, _getinfo(arguments), b"")
    held: list[Alert] = []
    for event in events:
        held.append(event)
        if len(held) == chunk:
            _frame(out, {"action": "execute", "finished": False}, _csv(held, fields))
            held = []
    _frame(out, {"action": "execute", "finished": True}, _csv(held, fields) if held else b"")
    return out.getvalue()


def _frame(out: io.BytesIO, metadata: object, body: bytes) -> None:
    text = json.dumps(metadata).encode()
    out.write(b"chunked 1.0,%d,%d\n" % (len(text), len(body)) + text + body)


def _csv(events: Sequence[Alert], fields: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*fields, *(f"__mv_{field}" for field in fields)])
    for event in events:
        writer.writerow([event.get(field, "") for field in fields] + [""] * len(fields))
    return text.getvalue().encode()


def _getinfo(arguments: Sequence[str]) -> object:
    return {
        "action": "getinfo",
        "preview": False,
        "streaming_command_will_restart": False,
        "searchinfo": {
            "args": list(arguments),
            "raw_args": list(arguments),
            "dispatch_dir": "",
            "sid": "1700000000.1",
            "app": "lofp_enrich",
            "owner": "admin",
            "username": "admin",
            "session_key": "",
            "splunkd_uri": "https://127.0.0.1:8089",
            "splunk_version": "10.0.0",
            "search": "%7C%20lofpenrich",
            "command": "lofpenrich",
            "maxresultrows": 50000,
            "earliest_time": "0",
            "latest_time": "0",
        },
    }
