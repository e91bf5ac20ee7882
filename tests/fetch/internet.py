"""The internet behind one local port: a proxy that answers for every host itself, over TLS.

A client that is told `HTTPS_PROXY=http://127.0.0.1:<port>` asks it for `api.github.com:443`; from
there on it speaks TLS with a certificate for that name. So the code under test asks for GitHub's
true addresses, through the proxy and the CA file that the environment names.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import responses
from pathlib import Path
from types import TracebackType
from typing import Callable, Union
from urllib.parse import parse_qs, urlsplit

Socket = Union[socket.socket, ssl.SSLSocket]
Handler = Callable[["Exchange"], None]


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    host: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.target).query).items()}

    def __str__(self) -> str:
        return f"{self.host}{self.path}"


class Exchange:
    """One request, and the line to answer on, byte by byte where that is the point."""

    def __init__(self, request: Request, line: Socket, closing: threading.Event) -> None:
        self.request = request
        self.closing = closing
        """Set when the test is over: nobody is left to wait for."""
        self._line = line

    def send(self, data: bytes) -> None:
        self._line.sendall(data)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {responses.get(status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """A whole answer."""
        self.head(status, {"Content-Length": str(len(body)), **headers})
        self.send(body)


class Internet:
    """Serves while it is open as a context. `handler` answers all requests."""

    def __init__(self, certificate: Path, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        self.connects: list[str] = []
        """What the proxy was asked to connect to."""
        self.proxy_answer = b"HTTP/1.1 200 Connection established\r\n\r\n"
        self.certificate = certificate
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Internet:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)
            assert not thread.is_alive(), "a handler does not end"

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(line,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        line.settimeout(20)
        # A client that goes away, or that does not like the certificate, is what is tested.
        with contextlib.suppress(OSError, ValueError), line:
            connect, _ = _head(line)
            host = connect.split()[1].rpartition(":")[0]
            self.connects.append(host)
            line.sendall(self.proxy_answer)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            with context.wrap_socket(line, server_side=True) as secure:
                first, headers = _head(secure)
                request = Request(host, first.split()[1], headers)
                self.requests.append(request)
                self.handler(Exchange(request, secure, self._closing))
                secure.shutdown(socket.SHUT_WR)
                secure.recv(1)  # closed with data unread, the line would be reset


def _head(line: Socket) -> tuple[str, dict[str, str]]:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = line.recv(1)
        if not byte:
            raise ValueError("the client went away")
        data += byte
    first, *lines = data.decode("latin-1").rstrip().split("\r\n")
    pairs = (text.partition(":") for text in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}
