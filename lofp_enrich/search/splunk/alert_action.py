"""`lofp_explain`: the alert action that says what harmless things its results may be.

splunkd starts it with `--execute` and a JSON document on standard input. Whatever goes wrong is one
line in its log and exit code 1; the alert and its other actions stay as they were.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from lofp_enrich.search.answer.enrich import load_enricher
from lofp_enrich.search.answer.options import Options, parse
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.splunk import LOOKUPS, rest
from lofp_enrich.search.splunk.alert_results import (
    Explained,
    comment_text,
    events,
    explain,
    first_link,
    read_results,
)

ACTION = "lofp_explain"
SOURCETYPE = "lofp:explanation"
LOG = f"{ACTION}_modalert.log"
"""The name by which Splunk knows the log of an action."""
_DELIVER = {"index": {"index"}, "comment": {"comment"}, "both": {"index", "comment"}}
_INDEX = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
"""No `_internal` or `_audit`: nothing of ours belongs among what Splunk says of itself."""
_SESSION_KEY = re.compile(r'[^\s"\x00-\x1f\x7f-\uffff]+')
_MOST_SECONDS = 240.0
"""Less than `maxtime` in alert_actions.conf, after which splunkd ends the process wordlessly."""
_MAX_LOG = 10_000_000
_NO_PRINT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Settings(NamedTuple):
    """The parameters of the action, checked."""

    deliver: set[str]
    event_index: str
    es_version: int
    """0 asks splunkd."""
    ca_file: str
    timeout: int
    options: Options


def main(
    argv: list[str], stdin: BinaryIO, environ: Mapping[str, str], lookups: Path = LOOKUPS
) -> int:
    """Runs the action; the exit code is 0 where all was delivered, 1 where not, 2 for no action."""
    if "--execute" not in argv:
        sys.stderr.write(f"FATAL {ACTION} is an alert action: Splunk starts it with --execute.\n")
        return 2
    payload: dict[str, Any] = {}
    explained: list[Explained] = []
    status, code = "success", 0
    try:
        payload = read_payload(stdin.read())
        chosen = read_settings(payload.get("configuration"))
        today = datetime.now(timezone.utc).date()
        enricher, troubles = load_enricher(lookups, chosen.options, today)
        results = read_results(Path(_text(payload, "results_file")))
        names = {"search_name": "search_name", "sid": "sid", "rid": "result_id"}
        about = {name: _text(payload, key) for name, key in names.items()}
        explained = list(explain(results, enricher, **about))
        told = deliver(payload, chosen, explained) if explained else "no results to explain"
        told = "; ".join([told, *troubles, *enricher.troubles])
    except SearchError as error:
        status, code, told = "failure", 1, str(error)
    except Exception as error:  # a fault of our own is a line in the log like any other
        at = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(at.filename).name}:{at.lineno}"
        status, code, told = "failure", 1, f"unexpected {type(error).__name__}: {error} ({place})"
    write_log(log_line(status, told, payload, explained), environ)
    return code


def read_payload(data: bytes) -> dict[str, Any]:
    """What splunkd says of the alert; raises SearchError where it is no JSON object."""
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise SearchError("what Splunk sent on standard input is no JSON object")
    return payload


def read_settings(configuration: object) -> Settings:
    """The parameters from the alert, with their defaults; raises SearchError naming a wrong one."""
    given = {"deliver": "index", "index": "summary", "es_version": "auto", "timeout": "30"}
    if isinstance(configuration, dict):
        texts = {str(name): _text(configuration, name).strip() for name in configuration}
        given.update((name, text) for name, text in texts.items() if text)
    _insist(given, "deliver", given["deliver"] in _DELIVER, "give index, comment or both")
    _insist(given, "index", _INDEX.fullmatch(given["index"]), "give the name of an event index")
    _insist(given, "es_version", given["es_version"] in ("auto", "7", "8"), "give auto, 7 or 8")
    seconds = int(given["timeout"]) if re.fullmatch("[0-9]{1,3}", given["timeout"]) else 0
    _insist(given, "timeout", 1 <= seconds <= _MOST_SECONDS, f"give 1 to {_MOST_SECONDS:.0f}")
    return Settings(
        _DELIVER[given["deliver"]],
        given["index"],
        0 if given["es_version"] == "auto" else int(given["es_version"]),
        given.get("ca_file", ""),
        seconds,
        parse({name: given[name] for name in ("max", "min_score") if name in given}),
    )


def deliver(payload: Mapping[str, Any], chosen: Settings, explained: list[Explained]) -> str:
    """Writes the explanations where the settings say; what was done, in a few words.

    Raises SearchError for what was not, after all else is delivered that can be.
    """
    key = _text(payload, "session_key")
    if not _SESSION_KEY.fullmatch(key):
        raise SearchError("Splunk sent no session key")
    until = time.monotonic() + _MOST_SECONDS
    uri = _text(payload, "server_uri")
    service = rest.ActionClient(uri, key, chosen.ca_file, chosen.timeout, until)
    matched = sum(bool(each.answer.explanations) for each in explained)
    done = [f"explained {matched} of {len(explained)} results"]
    failed = []
    if "index" in chosen.deliver:
        lines = (line for each in explained for line in events(each, ACTION))
        place = {"index": chosen.event_index, "source": ACTION, "sourcetype": SOURCETYPE}
        try:
            done.append(f"events: {rest.write_events(service, lines, **place)}")
        except SearchError as error:
            failed.append(f"index {chosen.event_index}: {error}")
    if "comment" in chosen.deliver:
        try:
            done.append(f"comments: {add_comments(service, chosen.es_version, explained)}")
        except SearchError as error:
            failed.append(str(error))
    if failed:
        raise SearchError("; ".join(failed))
    return ", ".join(done)


def add_comments(service: rest.ActionClient, version: int, explained: list[Explained]) -> int:
    """Comments on every finding that is explained; gives their number.

    Raises SearchError where no result is a finding, and where some could not be commented on.
    """
    findings = [each for each in explained if each.links["event_id"]]
    if not findings:
        raise SearchError("no result is a finding with an event_id of Enterprise Security")
    worth = [each for each in findings if each.answer.explanations]
    version = version or (rest.es_version(service) if worth else 0)
    refused = []
    for each in worth:
        finding = rest.Finding(each.links["event_id"], each.links["orig_time"])
        try:
            rest.comment(service, version, finding, comment_text(each.answer))
        except rest.RestError as error:
            refused.append(str(error))
            if not error.is_about_one:
                break
    if refused:
        raise SearchError(f"{len(refused)} of {len(worth)} comments failed: {refused[0]}")
    return len(worth)


def log_line(status: str, told: str, payload: Mapping[str, Any], explained: list[Explained]) -> str:
    """A line in the form that Enterprise Security reads the state of an action from."""
    sid = _text(payload, "sid")
    fields = {
        "signature": told,
        "action_name": ACTION,
        "search_name": _text(payload, "search_name"),
        "sid": sid,
        **{name: first_link(explained, name) for name in ("orig_sid", "rid", "orig_rid")},
        "app": _text(payload, "app"),
        "user": _text(payload, "owner"),
        "action_mode": "saved" if "scheduler" in sid else "adhoc",
        "action_status": status,
    }
    key = _text(payload, "session_key")
    said = []
    for name, value in fields.items():
        safe = value.replace(key, "********") if key else value
        safe = _NO_PRINT.sub(" ", safe[:1000]).replace('"', "'")
        said += [f'{name}="{safe}"'] if safe else []
    now = datetime.now(timezone.utc)
    level = "INFO" if status == "success" else "ERROR"
    stamp = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d}+0000"
    return f"{stamp} {level} pid={os.getpid()} | sendmodaction - {' '.join(said)}"


def write_log(line: str, environ: Mapping[str, str]) -> None:
    """Adds a line to the action's log; to standard error, which splunkd logs, where it cannot."""
    try:
        path = Path(environ["SPLUNK_HOME"], "var", "log", "splunk", LOG)
        if path.exists() and path.stat().st_size > _MAX_LOG:
            path.replace(path.with_name(f"{LOG}.1"))
        with path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(line + "\n")
    except (KeyError, OSError):
        sys.stderr.write(line.encode("ascii", "replace").decode() + "\n")


def _insist(given: Mapping[str, str], name: str, good: object, wants: str) -> None:
    if not good:
        raise SearchError(f"{name}={given[name][:100]} is not possible: {wants}")


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    return "" if value is None else str(value)
