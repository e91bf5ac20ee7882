"""splunkd's REST endpoints, as far as the alert action writes through them.

splunklib brings the connection. Every refusal becomes one sentence that holds neither the session
key nor a traceback.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import ssl
import time
from collections.abc import Iterable
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from splunklib import binding

from lofp_enrich.search.errors import SearchError

RECEIVER = "/services/receivers/simple"
SECURITY_SUITE = "/services/apps/local/SplunkEnterpriseSecuritySuite"
NOTABLE_UPDATE = "/services/notable_update"
NOTES = "/servicesNS/nobody/missioncontrol/public/v2/investigations/{}/notes"

_BATCH = 500_000
"""Bytes of events in one request: a few hundred, which splunkd takes in a blink."""
_MAX_ANSWER = 1_000_000
_FORM = "application/x-www-form-urlencoded"
_FINDING_TIME = re.compile(r"@@time(\d+)$")


class RestError(SearchError):
    """What splunkd refused, in one sentence; `status` is 0 where it did not answer at all."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status

    @property
    def is_about_one(self) -> bool:
        """Whether what was asked for is at fault; anything else refuses all that follows, too."""
        return self.status in (200, 400, 404, 409)


class ActionClient:
    """Requests to the splunkd that started us, with the rights of whoever owns the search."""

    def __init__(
        self, uri: str, session_key: str, ca_file: str, timeout: int, until: float
    ) -> None:
        self._uri = uri.rstrip("/")
        self._authorization = f"Splunk {session_key}"
        self._context = tls_context(uri, ca_file)
        self._timeout = timeout
        self._until = until

    def request(self, path: str, body: bytes = b"", form: str = _FORM, **query: str) -> bytes:
        """The body of the answer to a POST, or to a GET where there is nothing to send.

        Raises RestError for every answer but 2xx, and where none comes in time.
        """
        method = "POST" if body else "GET"
        what = f"{method} {path}"
        left = self._until - time.monotonic()
        if left <= 0:
            raise RestError("the time for this alert action is up")
        send = binding.handler(
            timeout=min(self._timeout, left),
            verify=self._context is not None,
            context=self._context,
        )
        headers = [("Authorization", self._authorization), ("Content-Type", form)]
        url = f"{self._uri}{path}?{urlencode(query)}" if query else self._uri + path
        try:
            answer = send(url, {"method": method, "headers": headers, "body": body})
            text: bytes = answer["body"].read(_MAX_ANSWER)
        except ssl.SSLCertVerificationError as error:
            raise RestError(
                f"the certificate of {self._uri} cannot be verified ({error.verify_message}); "
                "name its authority in ca_file"
            ) from None
        except (socket.timeout, TimeoutError):  # two classes before Python 3.10
            raise RestError(f"splunkd did not answer {what} in time") from None
        except (OSError, HTTPException) as error:
            raise RestError(f"{what} failed ({type(error).__name__})") from None
        if not 200 <= answer["status"] < 300:
            raise RestError(_refusal(what, answer["status"], text), answer["status"])
        return text


def tls_context(uri: str, ca_file: str) -> ssl.SSLContext | None:
    """How the certificate behind `uri` is verified; None where it is not.

    It is not on this very machine, where splunkd's own certificate is self-signed and nobody stands
    between; there a `ca_file` asks for it. To another machine no session key goes unverified.
    Raises SearchError for a `ca_file` that cannot be read and for a connection without TLS.
    """
    address = urlsplit(uri)
    if not ca_file and _is_loopback(address.hostname or ""):
        return None
    if address.scheme != "https":
        raise SearchError(f"{uri} is no https address; a session key goes nowhere without TLS.")
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SearchError(f"ca_file={ca_file} cannot be read ({reason}).") from None


def write_events(
    splunkd: ActionClient, events: Iterable[str], *, index: str, source: str, sourcetype: str
) -> int:
    """Writes events, one line each, to an index; gives their number."""
    lines = [event.encode() + b"\n" for event in events]
    batch: list[bytes] = []
    size = 0
    for number, line in enumerate(lines, 1):
        batch.append(line)
        size += len(line)
        if size >= _BATCH or number == len(lines):
            query = {"index": index, "source": source, "sourcetype": sourcetype}
            splunkd.request(RECEIVER, b"".join(batch), "text/plain", **query)
            batch, size = [], 0
    return len(lines)


class Finding(NamedTuple):
    """A finding of Enterprise Security: its id and its time, empty where the result has none."""

    ref: str
    time: str = ""


def es_version(splunkd: ActionClient) -> int:
    """The major version of the installed Enterprise Security; raises RestError where none is."""
    try:
        text = splunkd.request(SECURITY_SUITE, output_mode="json")
    except RestError as error:
        if error.status == 404:
            raise RestError(
                "Enterprise Security is not installed here, so there is no finding to comment on; "
                "set deliver to index",
                404,
            ) from None
        raise
    try:
        return int(str(json.loads(text)["entry"][0]["content"]["version"]).split(".")[0])
    except (ValueError, LookupError, TypeError):
        raise RestError(
            "the version of Enterprise Security cannot be told; set es_version to 7 or 8"
        ) from None


def comment(splunkd: ActionClient, version: int, finding: Finding, text: str) -> None:
    """Adds a note to a finding: ES 8 keeps notes, ES 7 comments."""
    if version >= 8:
        found = _FINDING_TIME.search(finding.ref)
        time_of = found[1] if found else finding.time.partition(".")[0]
        path = NOTES.format(quote(finding.ref, safe=""))
        body = json.dumps({"content": text}).encode()
        query = {"notable_time": time_of} if time_of.isdigit() else {}
        splunkd.request(path, body, "application/json", **query)
        return
    form = urlencode({"ruleUIDs": finding.ref, "comment": text}, errors="replace").encode()
    answer = splunkd.request(NOTABLE_UPDATE, form)
    try:
        told = json.loads(answer)
        good, message = told["success"] is True, told.get("message", "")
    except (ValueError, LookupError, TypeError, AttributeError):
        good, message = False, "its answer cannot be read"
    if not good:
        # notable_update says 200 to what it refuses, too.
        raise RestError(f"POST {NOTABLE_UPDATE} was refused ({_short(str(message))})", 200)


_REASONS = {
    401: "the session key is not accepted",
    403: "the owner of this search may not do that",
    404: "there is no such thing",
}


def _refusal(what: str, status: int, body: bytes) -> str:
    text = body.decode("utf-8", errors="replace")
    said = re.search(r"<msg[^>]*>([^<]*)</msg>", text) or re.search(r'"text"\s*:\s*"([^"]*)"', text)
    reasons = [_REASONS.get(status, ""), _short(said[1]) if said else ""]
    told = ": ".join(reason for reason in reasons if reason)
    return f"splunkd answered {what} with {status}" + (f" ({told})" if told else "")


def _short(text: str) -> str:
    return " ".join(text.split())[:200]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
