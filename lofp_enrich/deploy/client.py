"""The door to splunkd's REST API: verified, timed, tried again where that can help.

splunk-sdk knows splunkd's namespaces and headers; requests carries what it says, so that proxies,
kept connections and certificates work as they do for `fetch`. Nothing that a library says about a
failure is passed on, and what splunkd says only without the secret.
"""

from __future__ import annotations

import io
import json
import re
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Callable
from urllib.parse import urlsplit

import requests
from requests.exceptions import ProxyError
from splunklib import binding

from lofp_enrich import __version__
from lofp_enrich.deploy.credentials import Secret
from lofp_enrich.errors import LofpError, causes, reason

_PORT = 8089
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_WORDS = 300
"""Characters of splunkd's own words that a message quotes."""


@dataclass(frozen=True)
class Limits:
    """How long and how often; every wait ends."""

    connect: float = 10
    """Seconds until a connection stands."""
    silence: float = 60
    """Seconds without a single byte, the time that a search takes included."""
    tries: int = 3
    settle: tuple[float, ...] = (0, 1, 2, 4, 8)
    """Seconds before each look at what was written: members of a cluster see it a little later."""


class SplunkdError(LofpError):
    """A request that splunkd did not carry out, or that it may have carried out unseen."""

    def __init__(self, message: str, status: int = 0, *, transient: bool = False) -> None:
        self.status = status
        """Of HTTP; 0 where no answer came."""
        self.transient = transient
        """Whether another try could fare better."""
        super().__init__(message)


class Client:
    """Asks one splunkd; a context manager. Every answer is JSON.

    Relative paths are those of an app and owner, `/...` are taken as they are. Raises LofpError
    where the address is not https, and SplunkdError from every request that fails.
    """

    def __init__(
        self,
        url: str,
        secret: Secret,
        *,
        app: str = "lofp_enrich",
        owner: str = "nobody",
        ca: Path | None = None,
        limits: Limits | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        host, port = _address(url)
        self.app = _name(app, "--app")
        self.limits = limits or Limits()
        self.sleep = sleep
        self.requests = 0
        """How many were sent."""
        self._where = f"{host}:{port}"
        self._secret = secret
        self._server_time: float | None = None
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"lofp_enrich/{__version__}"
        # A callable, even an idle one, keeps a ~/.netrc from taking the secret's place.
        self._session.auth = lambda request: request
        # Given with every request: that of a session gives way to REQUESTS_CA_BUNDLE.
        self._verify = True if ca is None else _checked_ca(ca)
        key = {"splunkToken" if secret.scheme == "Bearer" else "token": secret.value}
        self._context = binding.Context(
            handler=self._send,
            scheme="https",
            host=host,
            port=port,
            app=self.app,
            owner=_name(owner, "--owner"),
            **key,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()

    def now(self) -> float:
        """The time by splunkd's clock, which all who push there have in common."""
        return time.time() if self._server_time is None else self._server_time

    def quote(self, text: str) -> str:
        """Splunk's own words as a part of a message: short, on one line, without the secret."""
        text = " ".join(self._secret.hide_in(text).split()).rstrip(".")
        return "".join(each if each.isprintable() else "?" for each in text)[:_WORDS]

    def get(self, path: str, **query: object) -> Any:
        """What lies at a path, or of it what the query selects."""
        return self._retried(lambda: self._context.get(path, output_mode="json", **query))

    def post(self, path: str, *, tries: int | None = None, **form: object) -> Any:
        """The answer to a form."""
        return self._retried(lambda: self._context.post(path, output_mode="json", **form), tries)

    def post_json(self, path: str, body: bytes) -> Any:
        """The answer to a JSON document."""
        headers = [("Content-Type", "application/json")]
        return self._retried(lambda: self._context.post(path, headers=list(headers), body=body))

    def delete(self, path: str, **query: str) -> Any:
        """Removes what lies at a path; of a collection what the query selects."""
        return self._retried(lambda: self._context.delete(path, **query))

    def _retried(self, ask: Callable[[], Any], tries: int | None = None) -> Any:
        tries = tries or self.limits.tries
        for number in range(1, tries + 1):
            answer = self._answer(ask)
            if not isinstance(answer, SplunkdError):
                return answer
            if number == tries or not answer.transient:
                raise answer
            self.sleep(3 ** (number - 1))
        raise AssertionError("no tries")

    def _answer(self, ask: Callable[[], Any]) -> Any:
        """What splunkd answers; a failure is given back, so that it carries no library's error."""
        try:
            response = ask()
            status, body = response.status, response.body.read()
        except binding.HTTPError as error:
            status, body = error.status, error.body
        except (requests.RequestException, OSError) as error:
            return self._broken(error)
        if status not in (200, 201):
            return self._refusal(status, body)
        try:
            return json.loads(body) if body.strip() else None
        except ValueError:
            return SplunkdError(
                f"{self._where}: sends a broken answer; look whether --url is splunkd's management "
                f"port (usually {_PORT}).",
                transient=True,
            )

    def _send(self, url: str, message: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Carries a request of splunk-sdk; it calls this its handler."""
        self.requests += 1
        headers = {"Content-Type": "application/x-www-form-urlencoded", **dict(message["headers"])}
        response = self._session.request(
            message["method"],
            url,
            data=message.get("body"),
            headers=headers,
            timeout=(self.limits.connect, self.limits.silence),
            allow_redirects=False,
            verify=self._verify,
        )
        self._server_time = _seconds(response.headers.get("Date", ""))
        # Without its headers: with a cookie in them the SDK would drop the token.
        return {
            "status": response.status_code,
            "reason": response.reason,
            "headers": [],
            "body": io.BytesIO(response.content),
        }

    def _refusal(self, status: int, body: bytes) -> SplunkdError:
        if status == 401:
            return SplunkdError(
                f"{self._where}: refuses the token; it may be wrong, expired or revoked.", status
            )
        said = self.quote(_words(body))
        if 300 <= status < 400:
            said = f"a redirect; --url must be splunkd's management port (usually {_PORT})"
        return SplunkdError(
            f"{self._where}: answers HTTP {status}{f' ({said})' if said else ''}.",
            status,
            transient=status in _AGAIN,
        )

    def _broken(self, error: BaseException) -> SplunkdError:
        chain = list(causes(error))
        for cause in chain:
            # What they still hold: the secret, and the connection, which so would stay open.
            cause.__traceback__ = None
        for cause in chain:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return SplunkdError(
                    f"{self._where}: its certificate is not trusted ({cause.verify_message}); name "
                    "the file of its authority with --ca."
                )
        who = "the proxy of HTTPS_PROXY does not connect" if isinstance(error, ProxyError) else ""
        return SplunkdError(
            f"{self._where}: {who or 'the connection failed'} ({reason(chain)}).", transient=True
        )


def _address(url: str) -> tuple[str, int]:
    """Host and port; raises LofpError, without quoting it, unless that is all the address says."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError:  # the port is no number, or a bracket is missing
        parts, port = urlsplit(""), 0
    extra = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme != "https" or not parts.hostname or extra:
        raise LofpError(
            f"--url: not of the form https://host:{_PORT}; give splunkd's management port, no path "
            "and no password."
        )
    return parts.hostname, port


def _name(text: str, option: str) -> str:
    if not re.fullmatch(r"\w[\w.@-]*", text, re.ASCII):
        raise LofpError(f"{option}: {text!r} is no name of an app or a user.")
    return text


def _checked_ca(ca: Path) -> str:
    try:
        ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        raise LofpError(f"{ca} holds no certificate; name another file with --ca.") from error
    return str(ca)


def _words(body: bytes) -> str:
    """What splunkd says in its JSON or XML messages."""
    try:
        document = json.loads(body)
        texts = [str(message["text"]) for message in document["messages"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        texts = re.findall(r"<msg[^>]*>([^<]*)</msg>", body[:10_000].decode("utf-8", "replace"))
    return "; ".join(texts)


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (TypeError, ValueError, OverflowError):  # TypeError: Python 3.9, for no date at all
        return None
