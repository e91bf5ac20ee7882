"""A stand-in for splunkd's management port: the endpoints that the alert action writes through.

It refuses what splunkd would refuse: a wrong method, path, form or session key.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

RECEIVER = "/services/receivers/simple"
SUITE = "/services/apps/local/SplunkEnterpriseSecuritySuite"
NOTABLE_UPDATE = "/services/notable_update"
NOTES = "/servicesNS/nobody/missioncontrol/public/v2/investigations/"


@dataclass(frozen=True)
class Request:
    """What the action asked for; `path` as it travelled."""

    method: str
    path: str
    query: dict[str, str]
    content_type: str
    body: str

    @property
    def form(self) -> dict[str, str]:
        assert self.content_type == "application/x-www-form-urlencoded"
        parsed = parse_qs(self.body, strict_parsing=True)
        assert all(len(values) == 1 for values in parsed.values())
        return {name: values[0] for name, values in parsed.items()}

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that splunkd makes of a body: a line each."""
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass
class Standin:
    """splunkd with these indexes and findings; serves while it is open as a context."""

    certificate: Path
    session_key: str
    es: str = ""
    """The version of Enterprise Security; empty where there is none."""
    indexes: set[str] = field(default_factory=lambda: {"summary", "main"})
    findings: set[str] = field(default_factory=set)
    faults: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Path -> an answer that comes instead of the right one."""
    silence: float = 0.0
    """Seconds before any answer."""
    requests: list[Request] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Standin:
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                standin._serve(self)

            def do_POST(self) -> None:
                standin._serve(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        # The handshake happens in the thread of its connection, so a client that never ends it
        # keeps nobody waiting.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        address = urlsplit(handler.path)
        request = Request(
            handler.command,
            address.path,
            {name: values[0] for name, values in parse_qs(address.query).items()},
            handler.headers.get("Content-Type", ""),
            handler.rfile.read(length).decode("utf-8"),
        )
        self.requests.append(request)
        time.sleep(self.silence)
        if handler.headers.get("Authorization") != f"Splunk {self.session_key}":
            status, body = 401, _refusal("call not properly authenticated")
        else:
            status, body = self.faults.get(request.path) or self._answer(request)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _answer(self, request: Request) -> tuple[int, bytes]:
        if (request.method, request.path) == ("POST", RECEIVER):
            return self._receive(request)
        if (request.method, request.path) == ("GET", SUITE) and self.es:
            content = {"entry": [{"name": "SplunkEnterpriseSecuritySuite"}]}
            content["entry"][0]["content"] = {"version": self.es}  # type: ignore[assignment]
            return 200, json.dumps(content).encode()
        if (request.method, request.path) == ("POST", NOTABLE_UPDATE) and self.es.startswith("7"):
            return self._update(request)
        if (
            request.method == "POST"
            and request.path.startswith(NOTES)
            and not self.es.startswith("7")
        ):
            return self._note(request)
        return 404, _refusal("Not Found")

    def _receive(self, request: Request) -> tuple[int, bytes]:
        if set(request.query) != {"index", "source", "sourcetype"} or not request.body:
            return 400, _refusal("bad request")
        if request.query["index"] not in self.indexes:
            return 400, _refusal(f"supplied index '{request.query['index']}' missing")
        return 200, b"<response><results/></response>"

    def _update(self, request: Request) -> tuple[int, bytes]:
        form = request.form
        if set(form) != {"ruleUIDs", "comment"}:
            return 400, _refusal("bad request")
        good = form["ruleUIDs"] in self.findings
        told = {"success": good, "message": "1 event updated" if good else "no such event"}
        return 200, json.dumps(told).encode()

    def _note(self, request: Request) -> tuple[int, bytes]:
        finding, slash, rest = request.path[len(NOTES) :].partition("/")
        known = "@" not in finding and unquote(finding) in self.findings
        if (slash, rest) != ("/", "notes") or not known:
            return 404, b'{"message": "finding not found"}'
        if request.content_type != "application/json" or set(json.loads(request.body)) != {
            "content"
        }:
            return 400, b'{"message": "bad note"}'
        if not request.query.get("notable_time", "").isdigit():
            return 400, b'{"message": "notable_time is required"}'
        return 201, json.dumps({"id": "1", **json.loads(request.body)}).encode()


def _refusal(text: str) -> bytes:
    return f'<response><messages><msg type="WARN">{text}</msg></messages></response>'.encode()
