"""One address at a time over HTTPS: verified, timed, counted, tried again where that can help.

Nothing that a library says about a failure is passed on: it may hold a proxy's password or a
signed address. A message names the host and the reason, in our words or the system's.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Callable, NoReturn, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests import exceptions
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, LocationValueError

from lofp_enrich import __version__
from lofp_enrich.errors import LofpError, causes, reason

_REDIRECTS = 5
_REDIRECT = frozenset({301, 302, 303, 307, 308})
_BLOCK = 2**16
_ETAG = re.compile(r'(W/)?"[!-~]{1,200}"')
_LONGEST = 10.0**9  # seconds; what a server may ask for still has to be a date

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """How long and how much; every wait of `fetch` ends."""

    connect: float = 10
    """Seconds until a connection stands."""
    silence: float = 30
    """Seconds without a single byte."""
    transfer: float = 900
    """Seconds for one file from its first byte to its last."""
    bytes: int = 256 * 2**20
    """Of one file. ATT&CK's bundle, the largest, has 50 MB."""
    tries: int = 5
    wait: float = 120
    """The longest that a server may ask to wait; if it wants more, its answer is the answer."""


class Broken(Exception):
    """A transfer that failed in a way that another try may mend."""

    def __init__(self, reason: str, wait: float | None = None, rate_limit: bool = False) -> None:
        self.wait = wait
        """Seconds that the server asks to wait; None where it does not say."""
        self.rate_limit = rate_limit
        super().__init__(reason)


class Refused(LofpError):
    """An answer that will be the same the next time."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class Downloader:
    """Asks for files; a context manager. One thread uses it."""

    def __init__(
        self,
        note: Callable[[str], None],
        sleep: Callable[[float], object],
        limits: Limits,
        tokens: Mapping[str, str],
    ) -> None:
        self._note = note
        """Is told why there is a wait."""
        self._sleep = sleep
        self._limits = limits
        self._tokens = tokens
        """Host -> token; no other host gets it, whoever redirects there."""
        self._session = _Session()
        self._session.headers.update(
            # What comes over the line is what is counted, stored and hashed.
            {"User-Agent": f"lofp_enrich/{__version__}", "Accept-Encoding": "identity"}
        )

    def __enter__(self) -> Downloader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()

    def read(self, url: str, headers: Mapping[str, str], most: int) -> tuple[bytes, str] | None:
        """A small answer and its ETag; None where it is that nothing has changed (304)."""

        def receive(response: requests.Response) -> tuple[bytes, str] | None:
            if response.status_code == 304:
                return None
            body = b"".join(data for data, _ in self._blocks(response, most))
            etag = response.headers.get("ETag", "")
            return body, etag if _ETAG.fullmatch(etag) else ""

        return self._retried(url, headers, receive)

    def save(
        self, url: str, path: Path, progress: Callable[[int, int], None], check: Callable[[], T]
    ) -> T:
        """Writes an answer to a file; gives what `check` says of it.

        `progress` is told how many bytes of how many are there (0: not known). A `Broken` that
        `check` raises is another try, as for a transfer that broke off.
        """

        def receive(response: requests.Response) -> T:
            done = 0
            with path.open("wb") as file:
                for data, total in self._blocks(response, self._limits.bytes):
                    file.write(data)
                    done += len(data)
                    progress(done, total)
            return check()

        return self._retried(url, {}, receive)

    def _retried(
        self, url: str, headers: Mapping[str, str], receive: Callable[[requests.Response], T]
    ) -> T:
        tries = self._limits.tries
        for number in range(1, tries + 1):
            try:
                with self._answer(url, headers) as response:
                    return receive(response)
            except Broken as broken:
                # Jitter, so that all who were turned away together do not come back together.
                pause = 2 ** (number - 1) * random.uniform(0.75, 1.0)
                if broken.wait is not None:
                    pause = max(broken.wait, pause)
                if pause > self._limits.wait:
                    raise LofpError(self._come_back(broken, pause)) from None
                if number == tries:
                    raise LofpError(
                        f"{broken}, {tries} times in a row; try again later, or ask who runs your "
                        "network."
                    ) from None
                self._note(f"{broken}; trying again in {pause:.0f} s")
                self._sleep(pause)
        raise AssertionError("no tries")

    def _come_back(self, broken: Broken, pause: float) -> str:
        when = datetime.fromtimestamp(time.time() + pause, timezone.utc)
        more = ""
        if broken.rate_limit and not self._tokens:
            more = ", or set GITHUB_TOKEN, which has a limit of its own"
        return f"{broken}; come back at {when:%Y-%m-%d %H:%M} UTC{more}."

    @contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """The answer of the last address that redirects lead to, if it is 200 or 304."""
        for _ in range(_REDIRECTS + 1):
            with self._send(url, headers) as response:
                if response.status_code not in _REDIRECT:
                    self._check_status(response)
                    yield response
                    return
                url = _target(url, response.headers.get("Location", ""))
        raise LofpError(
            f"{_host(url)}: redirected more than {_REDIRECTS} times; look at --url or try later."
        )

    def _send(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        token = self._tokens.get(urlsplit(url).netloc)
        try:
            return self._session.get(
                url,
                headers=dict(headers),
                # An `auth` of our own also keeps a ~/.netrc from taking the token's place.
                auth=_Bearer(token) if token else None,
                stream=True,
                timeout=(self._limits.connect, self._limits.silence),
            )
        except (HTTPError, OSError, UnicodeError) as error:
            failure = error
        _fail(_host(url), failure)

    def _check_status(self, response: requests.Response) -> None:
        status, host = response.status_code, _host(response.url)
        if status == 200 or (status == 304 and "If-None-Match" in response.request.headers):
            return
        wait = _wait(response.headers)
        rate_limit = wait is not None and status in (403, 429)
        if rate_limit or status in (408, 429) or status >= 500:
            what = "the rate limit is used up" if rate_limit else "the server is not able to answer"
            raise Broken(f"{host}: {what} (HTTP {status})", wait, rate_limit)
        told = "GITHUB_TOKEN may be wrong or expired" if status == 401 else "see --ref and --url"
        raise Refused(f"{host}: answered HTTP {status}; {told}.", status)

    def _blocks(self, response: requests.Response, most: int) -> Iterator[tuple[bytes, int]]:
        """The body as it was sent, in blocks, each with the length of the whole (0: not known).

        That the whole is as long as was promised is what urllib3 (from 2.0) makes sure of.
        """
        host = _host(response.url)
        total = _length(response.headers, host)
        deadline = time.monotonic() + self._limits.transfer
        done = 0
        while max(done, total) <= most:
            failure = None
            try:
                # Not `iter_content`: it undoes a Content-Encoding, which Apache puts on a .tar.gz;
                # and not `read`, which lets a byte every half minute go on for days.
                block: bytes = response.raw.read1(_BLOCK, decode_content=False)
            except (HTTPError, OSError) as error:
                failure = error
            if failure:
                _fail(host, failure)
            if not block:
                break
            if time.monotonic() > deadline:
                raise Broken(f"{host}: not done after {self._limits.transfer:.0f} s")
            done += len(block)
            yield block, total
        else:
            raise LofpError(f"{host}: sends more than {most >> 20} MiB; refused, see --url.")


class _Session(requests.Session):
    """Follows no redirect, and so does not read the body of one, which may have no end."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def check_url(url: str) -> str:
    """`url` without a final slash; raises LofpError where it is not a plain https address."""
    if not _is_plain(url) or urlsplit(url).query or urlsplit(url).fragment:
        raise LofpError(
            "--url: not an https:// address without user, password and query; give the base of a "
            "mirror, and put its user and password into ~/.netrc."
        )
    return url.rstrip("/")


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_host = re.fullmatch(r"[\w.:-]+", parts.hostname or "", re.ASCII) and parts.port != 0
    except ValueError:  # the port is no number, or a bracket is missing
        return False
    return parts.scheme == "https" and bool(is_host) and "@" not in parts.netloc


def _target(url: str, location: str) -> str:
    """Where a redirect leads; raises LofpError unless it stays on https."""
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not location or not _is_plain(target):
        raise LofpError(f"{_host(url)}: redirects to what is no https address; refused, see --url.")
    return target


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _length(headers: Mapping[str, str], host: str) -> int:
    text = headers.get("Content-Length", "")
    if not text or "Transfer-Encoding" in headers:
        return 0
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise Broken(f"{host}: gives a content length that is no number")
    return int(text)


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait; None where it does not ask.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    asked = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", asked):
        return float(asked)
    now = _seconds(headers.get("Date", "")) or time.time()  # the server's clock set the time
    until = _seconds(asked)
    reset = headers.get("X-RateLimit-Reset", "")
    if until is None and headers.get("X-RateLimit-Remaining") == "0":
        until = float(reset) + 1 if re.fullmatch(r"[0-9]{1,10}", reset) else None
    return None if until is None else min(max(0.0, until - now), _LONGEST)


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (TypeError, ValueError, OverflowError):  # TypeError: Python 3.9, for no date at all
        return None


def _fail(host: str, error: BaseException) -> NoReturn:
    """Says in our words what went wrong between here and a host.

    It is not called where the error is handled: what is raised here must not carry it as context.
    """
    chain = list(causes(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise LofpError(
                f"{host}: its certificate is not trusted ({cause.verify_message}); if a proxy "
                "inspects your traffic, name its CA file in REQUESTS_CA_BUNDLE."
            )
    if isinstance(error, (ValueError, LocationValueError)):
        raise LofpError(f"{host}: this address, or that of HTTPS_PROXY, cannot be used; mend it.")
    is_of_network = isinstance(error, (exceptions.RequestException, HTTPError))
    if not is_of_network or any(getattr(cause, "library", "") == "X509" for cause in chain):
        raise LofpError(
            f"{host}: the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be used."
        )
    why = reason(chain, "it broke off")
    if isinstance(error, exceptions.ProxyError):
        status = re.search(r"Tunnel connection failed: (\d{3})", str(chain[-1]))
        why = f"HTTP {status[1]}" if status else why
        raise Broken(f"{host}: the connection through the proxy of HTTPS_PROXY failed ({why})")
    raise Broken(f"{host}: the connection failed ({why})")
