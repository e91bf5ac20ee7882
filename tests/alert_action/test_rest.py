"""Connections to splunkd: when certificates count, and when time is up."""

from __future__ import annotations

import ssl
import time

import pytest

from lofp_enrich.search.splunk.rest import ActionClient, RestError, tls_context


@pytest.mark.parametrize(
    "uri", ["https://127.0.0.1:8089", "https://[::1]:8089", "https://localhost:8089"]
)
def test_on_this_machine_splunks_own_certificate_is_good(uri: str) -> None:
    assert tls_context(uri, "") is None


@pytest.mark.parametrize(
    "uri", ["https://splunk.example:8089", "https://192.0.2.7:8089", "https://localhost.example"]
)
def test_elsewhere_only_a_verified_one_is(uri: str) -> None:
    context = tls_context(uri, "")
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_nothing_is_asked_after_the_time_is_up() -> None:
    service = ActionClient("https://127.0.0.1:1", "key", "", 30, time.monotonic() - 1)
    with pytest.raises(RestError, match="the time for this alert action is up"):
        service.request("/services/apps/local")
