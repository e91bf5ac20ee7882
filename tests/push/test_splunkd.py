"""The door to splunkd: whom it trusts, what it sends, what it says when that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.deploy.client import Client, Limits, SplunkdError
from lofp_enrich.deploy.credentials import Secret, find_secret
from lofp_enrich.deploy.installed import checked
from lofp_enrich.errors import LofpError
from tests.fetch.certificates import Authority

from .conftest import CANARY, LOCAL, ONCE, QUICK, World
from .splunkd_rest import Answer, Fault, Request, said

CONTEXT = "/services/authentication/current-context"


def _fails(world: World, **options: Any) -> str:
    with pytest.raises(SplunkdError) as caught, world.door(**options) as door:
        door.get(CONTEXT)
    assert caught.value.__context__ is None, "it carries what a library said"
    world.said.append(str(caught.value))
    return str(caught.value).replace(world.splunk.url[len("https://") :], "HOST")


def test_the_token_goes_along_and_a_netrc_does_not(world: World) -> None:
    with world.door() as door:
        assert door.get(CONTEXT)["entry"]
        assert door.now() == world.state.now
    (request,) = world.splunk.requests
    assert request.headers["authorization"] == f"Bearer {CANARY}"
    assert request.headers["user-agent"].startswith("lofp_enrich/")


def test_a_session_key_is_announced_as_one(world: World) -> None:
    world.state.token = f"Splunk {CANARY}"
    with world.door(secret=Secret("Splunk", CANARY)) as door:
        assert door.get(CONTEXT)["entry"]


def test_a_server_that_another_authority_vouches_for_is_refused(
    world: World, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    text = _fails(world, ca=other.path)
    assert text.startswith("HOST: its certificate is not trusted (")
    assert text.endswith("); name the file of its authority with --ca.")
    assert _fails(world, ca=None).startswith("HOST: its certificate is not trusted")
    assert world.splunk.requests == []
    assert world.sleeps == []


def test_a_server_of_another_name_is_refused(world: World) -> None:
    text = _fails(world, url=world.splunk.url.replace("localhost", "127.0.0.1"))
    assert "its certificate is not trusted" in text
    assert world.splunk.requests == []


def test_ca_counts_more_than_the_environment(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path, "other").path))
    with world.door() as door:
        assert door.get(CONTEXT)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.authority.path))
    with world.door(ca=None) as door:
        assert door.get(CONTEXT)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8089",
        "localhost:8089",
        "https://",
        "https://localhost:port",
        "https://[::1",
        f"https://user:{CANARY}@localhost",
        "https://localhost/en-GB",
        "https://localhost?a=b",
    ],
)
def test_an_address_that_is_not_https_and_plain_is_refused(world: World, url: str) -> None:
    with pytest.raises(LofpError, match=r"^--url: not of the form https://host:8089;") as caught:
        Client(url, Secret("Bearer", CANARY))
    world.said.append(str(caught.value))


@pytest.mark.parametrize(("option", "value"), [("app", "../search"), ("owner", "a/b"), ("app", "")])
def test_a_name_cannot_lead_elsewhere(world: World, option: str, value: str) -> None:
    with pytest.raises(LofpError, match=f"--{option}: "), world.door(**{option: value}):
        pass


def test_a_ca_file_without_certificates_is_named(tmp_path: Path) -> None:
    for ca in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(LofpError, match="holds no certificate; name another file with --ca"):
            Client("https://localhost", Secret("Bearer", CANARY), ca=ca)


def _echo(status: int) -> Callable[[Request], Answer]:
    """An answer that quotes the secret, after words that end where a message is cut."""
    return lambda request: said(status, f"{'x' * 270} {request.headers['authorization']}")


def test_what_splunkd_says_is_passed_on_without_the_secret(world: World) -> None:
    world.state.extra = _echo(403)
    assert _fails(world) == f"HOST: answers HTTP 403 ({'x' * 270} Bearer ***)."
    assert world.sleeps == []


@pytest.mark.parametrize(
    ("status", "tries"), [(401, 1), (403, 1), (404, 1), (429, 3), (500, 3), (503, 3)]
)
def test_what_may_pass_is_tried_again(world: World, status: int, tries: int) -> None:
    world.state.extra = _echo(status)
    text = _fails(world)
    assert len(world.splunk.requests) == tries
    assert world.sleeps == [1, 3][: tries - 1]
    if status == 401:
        assert text == "HOST: refuses the token; it may be wrong, expired or revoked."


def test_a_fault_that_passes_is_not_noticed(world: World) -> None:
    for kind in ("500", "reset", "truncated"):
        world.splunk.fault = Fault(kind, len(world.splunk.requests), 2)
        with world.door() as door:
            assert door.get(CONTEXT)["entry"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("reset", "HOST: the connection failed (it was closed)."),
        ("hang", "HOST: the connection failed (no answer in time)."),
        ("truncated", "HOST: the connection failed (IncompleteRead)."),
    ],
)
def test_a_connection_that_fails_is_told_in_our_words(
    world: World, kind: str, message: str
) -> None:
    world.splunk.fault = Fault(kind, 0, 9)
    assert _fails(world, limits=Limits(silence=0.3, tries=1)).replace(
        "Connection reset by peer", "it was closed"
    ) == (message)


def test_nobody_there(world: World) -> None:
    text = _fails(world, url="https://localhost:1", limits=ONCE)
    assert text == "localhost:1: the connection failed (Connection refused)."


def test_a_proxy_that_does_not_connect_keeps_its_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{CANARY}@127.0.0.1:1")
    text = _fails(world, limits=ONCE)
    assert text == "HOST: the proxy of HTTPS_PROXY does not connect (Connection refused)."


def test_splunk_web_is_no_splunkd(world: World) -> None:
    world.state.extra = lambda request: (303, {"messages": []})
    assert _fails(world) == (
        "HOST: answers HTTP 303 (a redirect; --url must be splunkd's management port (usually "
        "8089))."
    )


def test_secrets_come_from_the_file_then_the_environment_then_the_prompt(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{CANARY}\n")
    file.chmod(0o600)
    token, session = {"LOFP_SPLUNK_TOKEN": "t"}, {"LOFP_SPLUNK_SESSION": "s"}
    assert find_secret(token, file) == Secret("Bearer", CANARY)
    assert find_secret(token, None, lambda: "p") == Secret("Bearer", "t")
    assert find_secret(session) == Secret("Splunk", "s")
    assert find_secret({}, None, lambda: " p\n") == Secret("Bearer", "p")
    assert CANARY not in repr(find_secret({}, file))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "there is no token for splunkd; set LOFP_SPLUNK_TOKEN or LOFP_SPLUNK_SESSION"),
        ({"LOFP_SPLUNK_TOKEN": "t", "LOFP_SPLUNK_SESSION": "s"}, "are both set"),
        ({"LOFP_SPLUNK_TOKEN": f"{CANARY} x"}, "LOFP_SPLUNK_TOKEN: holds what no token has"),
        ({"LOFP_SPLUNK_SESSION": f"{CANARY}\r\nX: y"}, "LOFP_SPLUNK_SESSION: holds what no"),
        ({"LOFP_SPLUNK_TOKEN": " "}, "LOFP_SPLUNK_TOKEN: is empty"),
    ],
)
def test_a_secret_that_cannot_be_used_is_not_quoted(
    environment: dict[str, str], message: str
) -> None:
    with pytest.raises(LofpError, match=message) as caught:
        find_secret(environment)
    assert CANARY not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="no file modes here")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(mode)
    with pytest.raises(LofpError, match="can be read by others; run chmod 600 on it"):
        find_secret({}, file)


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LofpError, match="token cannot be read"):
        find_secret({}, tmp_path / "token")


def test_a_search_of_words_that_are_not_ours_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        checked("| inputlookup x.csv ; rm")


def test_the_site_s_own_file_is_never_asked_for(world: World) -> None:
    world.push()
    assert world.state.lookups["lofp_local.csv"] == LOCAL
    assert all("lofp_local" not in f"{each}{each.search}" for each in world.splunk.requests)
    assert QUICK
