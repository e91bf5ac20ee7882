"""Servers that are slow, busy, broken or hostile: what is tried again, and what is said."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from lofp_enrich.errors import LofpError
from lofp_enrich.snapshots import cache
from lofp_enrich.snapshots.fetch import Limits

from .certificates import Authority
from .conftest import CANARY, PROXY_PASSWORD, QUICK, World
from .github import API, CODELOAD, ELSEWHERE, MIRROR, WEB, archive, sha
from .internet import Exchange, Handler

NONE: Mapping[str, str] = {}
GOOD = archive("sigma", sha("a"), 40)


def answers(status: int, body: bytes = b"", headers: Mapping[str, str] = NONE) -> Handler:
    return lambda exchange: exchange.answer(status, headers, body)


def redirects(where: str, status: int = 302) -> Handler:
    return answers(status, headers={"Location": where})


def truncated(exchange: Exchange) -> None:
    """Half of what the length promises."""
    exchange.head(200, {"Content-Length": str(len(GOOD))})
    exchange.send(GOOD[: len(GOOD) // 2])


def shortened(exchange: Exchange) -> None:
    """A length that is too small; nobody can see by it that something is missing."""
    exchange.head(200, {"Content-Length": str(len(GOOD) - 9)})
    exchange.send(GOOD)


def unclear(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": "many"})
    exchange.send(GOOD)


def chunked(data: bytes, end: bytes) -> Handler:
    def handler(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        for start in range(0, len(data), 999):
            block = data[start : start + 999]
            exchange.send(b"%x\r\n%s\r\n" % (len(block), block))
        exchange.send(end)

    return handler


def unmeasured(data: bytes) -> Handler:
    """Neither a length nor chunks: the end of the line is the end of the file."""

    def handler(exchange: Exchange) -> None:
        exchange.head(200, {})
        exchange.send(data)

    return handler


def hang(exchange: Exchange) -> None:
    exchange.closing.wait(20)


def hang_midway(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": str(len(GOOD))})
    exchange.send(GOOD[:100])
    exchange.closing.wait(20)


def drip(exchange: Exchange) -> None:
    """Never silent for long enough, never done."""
    exchange.head(200, {"Content-Length": str(len(GOOD))})
    for start in range(100):
        exchange.send(GOOD[start : start + 1])
        if exchange.closing.wait(0.1):
            return


def endless(exchange: Exchange) -> None:
    exchange.head(200, {})
    while True:
        exchange.send(bytes(2**16))


def drop(exchange: Exchange) -> None:
    """The line goes dead before a word is said."""


@pytest.fixture
def ready(world: World) -> World:
    """A world with a commit to fetch."""
    world.github.publish("sigma", GOOD, sha("a"))
    return world


@pytest.mark.parametrize(
    ("host", "fault", "reason"),
    [
        (API, answers(500), "the server is not able to answer (HTTP 500)"),
        (API, answers(502, b"<html>"), "the server is not able to answer (HTTP 502)"),
        (CODELOAD, answers(503), "the server is not able to answer (HTTP 503)"),
        (WEB, answers(408), "the server is not able to answer (HTTP 408)"),
        (API, answers(429), "the server is not able to answer (HTTP 429)"),
        (CODELOAD, drop, "the connection failed (it broke off)"),
        (API, hang, "the connection failed (no answer in time)"),
        (CODELOAD, hang_midway, "the connection failed (no answer in time)"),
        (CODELOAD, truncated, "the connection failed (it broke off)"),
        (CODELOAD, unclear, "gives a content length that is no number"),
        (CODELOAD, chunked(GOOD, b""), "the connection failed (it broke off)"),
        (CODELOAD, chunked(GOOD, b"hello\r\n"), "the connection failed (it broke off)"),
        (CODELOAD, drip, "not done after 1 s"),
    ],
)
def test_tried_again(ready: World, host: str, fault: Handler, reason: str) -> None:
    ready.github.fault(host, fault)
    hasty = Limits(silence=0.4, transfer=1)
    result = ready.fetch_one(limits=hasty if fault in (hang, hang_midway, drip) else QUICK)
    assert (result.state, result.error) == ("created", "")
    # Some versions of urllib3 lay every lost connection at the proxy's door.
    (note,) = ready.notes
    note = note.replace("connection through the proxy of HTTPS_PROXY", "connection")
    assert note == f"{host}: {reason}; trying again in 1 s"
    (pause,) = ready.sleeps
    assert 0.75 <= pause <= 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (shortened, "EOFError"),
        (unmeasured(GOOD[:-9]), "EOFError"),
        (unmeasured(GOOD[:-8] + b"12345678"), "BadGzipFile"),
        (unmeasured(b""), "ReadError"),
        (unmeasured(b"<html>Please log in</html>"), "BadGzipFile"),
    ],
)
def test_damage_that_only_the_archive_shows(ready: World, fault: Handler, reason: str) -> None:
    ready.github.fault(CODELOAD, fault)
    assert ready.fetch_one().state == "created"
    assert ready.notes == [f"the download is damaged ({reason}); trying again in 1 s"]


def test_forms_that_are_no_fault(ready: World) -> None:
    """Chunks, which is how GitHub sends archives; no length; and Apache's word for a .gz file."""
    for number, form in enumerate(
        (
            chunked(GOOD, b"0\r\n\r\n"),
            unmeasured(GOOD),
            answers(200, GOOD, {"Content-Encoding": "x-gzip"}),
        )
    ):
        ready.github.fault(CODELOAD, form)
        assert ready.fetch_one().state == "created", number
        (ready.cache / "sigma.json").unlink()
    assert ready.sleeps == []


def test_gives_up(ready: World) -> None:
    ready.github.publish("sigma", GOOD, sha("a"))
    old = ready.fetch_one().snapshot
    ready.github.fault(API, *[answers(503)] * 9)
    result = ready.fetch_one()
    assert str(result) == (
        "sigma: api.github.com: the server is not able to answer (HTTP 503), 5 times in a row; "
        f"try again later, or ask who runs your network. Still in use: {sha('a')[:12]} of "
        "2026-08-01, 40 rules."
    )
    assert result.snapshot == old == cache.snapshot("sigma", ready.cache)
    assert len(ready.sleeps) == 4
    for pause, full in zip(ready.sleeps, (1, 2, 4, 8)):
        assert 0.75 * full <= pause <= full


def later(seconds: float) -> str:
    return str(int(time.time() + seconds))


def now(skew: float = 0) -> str:
    return format_datetime(datetime.fromtimestamp(time.time() + skew, timezone.utc), usegmt=True)


@pytest.mark.parametrize(
    ("status", "headers", "least", "most"),
    [
        (429, {"Retry-After": "7"}, 7, 7),
        (503, {"Retry-After": "30"}, 30, 30),
        (403, {"Retry-After": "60"}, 60, 60),  # GitHub's secondary limit
        (429, {"Retry-After": "0"}, 0.75, 1),
        (429, {"Retry-After": now(20), "Date": now()}, 19, 20),
        # The reset is an hour away by our clock, and 20 seconds by the clock that set it.
        (
            403,
            {
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": later(3620),
                "Date": now(3600),
            },
            19,
            23,
        ),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": later(-5)}, 0.75, 1),
        (429, {"Retry-After": "soon", "X-RateLimit-Reset": "never"}, 0.75, 1),
    ],
)
def test_waits_as_long_as_it_is_told(
    ready: World, status: int, headers: dict[str, str], least: float, most: float
) -> None:
    ready.github.fault(API, answers(status, headers=headers))
    assert ready.fetch_one().state == "created"
    (pause,) = ready.sleeps
    assert least <= pause <= most


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": later(1800)}),
        (429, {"Retry-After": "1800"}),
        (429, {"Retry-After": "999999999"}),
        (429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}),
    ],
)
@pytest.mark.parametrize("token", ["", CANARY])
def test_says_when_the_rate_limit_ends(
    ready: World,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    headers: dict[str, str],
    token: str,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", token)
    ready.github.fault(API, answers(status, headers=headers))
    result = ready.fetch_one()
    assert ready.sleeps == []
    told, _, rest = result.error.partition("; come back at ")
    assert told == f"api.github.com: the rate limit is used up (HTTP {status})"
    when = datetime.strptime(rest[:20], "%Y-%m-%d %H:%M UTC").replace(tzinfo=timezone.utc)
    # Well below 1,800: the table above was made when the tests were collected.
    assert when.timestamp() > time.time() + 600
    assert rest[20:] == ("." if token else ", or set GITHUB_TOKEN, which has a limit of its own.")


@pytest.mark.parametrize(
    ("host", "fault", "message"),
    [
        (API, answers(401), "api.github.com: answered HTTP 401; GITHUB_TOKEN may be wrong or"),
        (API, answers(403), "api.github.com: answered HTTP 403; see --ref and --url."),
        (API, answers(204), "api.github.com: answered HTTP 204;"),
        (API, answers(304), "api.github.com: answered HTTP 304;"),
        (CODELOAD, answers(404), "codeload.github.com: answered HTTP 404;"),
        (API, answers(200, b"[]"), "the answer tells no commit; see --url"),
        (API, answers(200, b"<html>"), "the answer tells no commit"),
        (API, answers(200, b'{"message": "moved"}'), "the answer tells no commit"),
        (API, answers(200, b"[" * 50_000), "the answer tells no commit"),
        (API, answers(200, b'[{"sha": "../../etc", "commit": 1}]'), "the answer tells no commit"),
        (
            API,
            answers(
                200,
                json.dumps(
                    [{"sha": "../" + sha("a"), "commit": {"committer": {"date": "2026-08-01T"}}}]
                ).encode(),
            ),
            "the answer tells no commit",
        ),
        (API, answers(200, bytes(2**20 + 1)), "api.github.com: sends more than 1 MiB; refused"),
        (CODELOAD, endless, "codeload.github.com: sends more than 1 MiB; refused"),
        (
            CODELOAD,
            lambda exchange: exchange.head(200, {"Content-Length": "99999999999"}),
            "codeload.github.com: sends more than 1 MiB",
        ),
        (WEB, answers(302), "github.com: redirects to what is no https address; refused"),
        (WEB, redirects("http://github.com/x"), "redirects to what is no https"),
        (WEB, redirects("file:///etc/passwd"), "redirects to what is no https"),
        (WEB, redirects("https://[bad/x"), "redirects to what is no https"),
        (WEB, redirects("https://github.com:x/"), "redirects to what is no https"),
        (WEB, redirects("https://me:pw@github.com/"), "redirects to what is no"),
        (WEB, redirects("https://git hub.com/"), "redirects to what is no https"),
    ],
)
def test_not_tried_again(ready: World, host: str, fault: Handler, message: str) -> None:
    ready.github.fault(host, fault)
    result = ready.fetch_one()
    assert result.state == "failed"
    assert message in result.error
    assert ready.sleeps == []
    assert ready.files == []


def test_redirects(ready: World) -> None:
    """A repository that was renamed; the token goes along on the same host, never to another."""
    moved = f"https://{API}/repos/SigmaHQ/sigma/commits?per_page=1"
    ready.github.fault(API, redirects("/repositories/1?per_page=1", 301))
    ready.github.fault(API, redirects(moved, 307))
    assert ready.fetch_one().state == "created"
    assert ["authorization" in each.headers for each in ready.internet.requests] == [
        *[True] * 3,
        *[False] * 2,
    ]


def test_token_does_not_follow_a_redirect(ready: World) -> None:
    there = f"https://{ELSEWHERE}/take?per_page=1"
    ready.github.fault(API, redirects(there))
    ready.github.fault(ELSEWHERE, redirects(f"https://{API}:8443/"))
    ready.github.fault(API, answers(503))
    ready.fetch_one(limits=Limits(tries=1))
    assert [(each.host, "authorization" in each.headers) for each in ready.internet.requests] == [
        (API, True),
        (ELSEWHERE, False),
        (API, False),
    ]


def test_redirected_in_a_circle(ready: World) -> None:
    ready.github.fault(WEB, *[redirects(f"https://{WEB}/x")] * 9)
    assert ready.fetch_one().error == (
        "github.com: redirected more than 5 times; look at --url or try later."
    )


def test_body_of_a_redirect_is_not_read(ready: World) -> None:
    """requests would read it to its end, and this one has none."""

    def bottomless(exchange: Exchange) -> None:
        where = f"https://{CODELOAD}/SigmaHQ/sigma/tar.gz/{sha('a')}"
        exchange.head(302, {"Location": where})
        endless(exchange)

    ready.github.fault(WEB, bottomless)
    assert ready.fetch_one().state == "created"


def test_netrc_is_for_the_mirror(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror's password comes from ~/.netrc, and never takes the place of GitHub's token."""
    netrc = ready.cache.parent / "netrc"
    netrc.write_text(
        "".join(f"machine {host} login me password secret\n" for host in (API, MIRROR))
    )
    monkeypatch.setenv("NETRC", str(netrc))
    ready.fetch_one()
    assert ready.internet.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    (ready.cache / "sigma.json").unlink()
    ready.fetch_one(url=f"https://{MIRROR}")
    assert ready.internet.requests[-1].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("etag", ["no quotes", '"' + "x" * 300 + '"', '"a b"'])
def test_odd_etag_is_not_kept(ready: World, etag: str) -> None:
    """A header that requests would not send would stop every later fetch."""
    body = json.dumps([{"sha": sha("a"), "commit": {"committer": {"date": "2026-08-01T00Z"}}}])
    ready.github.fault(API, answers(200, body.encode(), {"ETag": etag}))
    assert ready.fetch_one().state == "created"
    assert ready.fetch_one().state == "unchanged"


def test_proxy_that_refuses(ready: World) -> None:
    ready.internet.proxy_answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
    assert ready.fetch_one().error.startswith(
        "api.github.com: the connection through the proxy of HTTPS_PROXY failed (HTTP 407), 5 times"
    )


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        (
            "http://agent:{}@127.0.0.1:1",
            "the proxy of HTTPS_PROXY failed (Connection refused), 5 times",
        ),
        ("http://agent:{}@:bad:port", "this address, or that of HTTPS_PROXY, cannot be used"),
        ("socks5://agent:{}@127.0.0.1:1", "this address, or that of HTTPS_PROXY, cannot be used"),
        ("http://agent:{}@proxy.invalid:1", "the proxy of HTTPS_PROXY failed ("),
    ],
)
def test_bad_proxy(ready: World, monkeypatch: pytest.MonkeyPatch, proxy: str, message: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(PROXY_PASSWORD))
    assert message in ready.fetch_one().error


@pytest.mark.parametrize("token", [CANARY + "\n", f"  {CANARY}"])
def test_blanks_around_a_token(ready: World, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """As `GITHUB_TOKEN=$(cat file)` and YAML leave them."""
    monkeypatch.setenv("GITHUB_TOKEN", token)
    assert ready.fetch_one().state == "created"
    assert ready.internet.requests[0].headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("token", [f"{CANARY}\nX-Evil: 1", f"{CANARY} x", f"{CANARY}é"])
def test_token_that_is_none(ready: World, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(LofpError, match=r"^GITHUB_TOKEN: holds what no token has"):
        ready.fetch_one()
    assert ready.asked == []


def test_no_token(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert ready.fetch_one().state == "created"
    assert not any("authorization" in each.headers for each in ready.internet.requests)


def certificates(world: World, folder: Path) -> dict[str, Path]:
    return {
        "expired": world.authority.issue("expired", [API], days=-1),
        "unknown": Authority(folder, "unknown").issue("other", [API]),
        "name": world.authority.issue("name", [ELSEWHERE]),
    }


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "certificate has expired"),
        ("unknown", "unable to get local issuer certificate"),
        ("name", "Hostname mismatch"),
    ],
)
def test_certificate_that_proves_nothing(
    ready: World, tmp_path: Path, kind: str, reason: str
) -> None:
    ready.internet.certificate = certificates(ready, tmp_path)[kind]
    error = ready.fetch_one().error
    assert error.startswith("api.github.com: its certificate is not trusted (")
    assert reason in error
    assert error.endswith("name its CA file in REQUESTS_CA_BUNDLE.")
    assert (ready.sleeps, ready.asked) == ([], [])  # the token was never sent


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_ca_file_that_is_none(
    ready: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    error = ready.fetch_one().error
    assert ready.asked == []
    assert error == (
        "api.github.com: the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be used."
    )


@pytest.mark.parametrize("value", ["", None])
def test_no_environment_turns_verification_off(
    ready: World, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """An empty CURL_CA_BUNDLE did so in requests before 2.28."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    assert "its certificate is not trusted (" in ready.fetch_one().error
    assert ready.asked == []
