"""A stand-in for splunkd's REST API: the endpoints that a push uses, over HTTPS, and no others.

It keeps what it is given and executes the searches that it is asked for (`tests/spl`). What splunkd
would not understand is refused, and remembered in `refused` for the test to fail on. A `Fault`
makes it fail at any request, before or after that has done its work.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Callable
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.spl.evaluation import Clock
from tests.spl.search import Interpreter, Row, read_table, write_table
from tests.spl.syntax import SplError

Record = dict[str, Any]

APP = "lofp_enrich"
USER = "svc lofp"
HOME = f"/servicesNS/nobody/{APP}"
KV = f"{HOME}/storage/collections/data"
MAX_DOCUMENTS, MAX_BYTES = 1_000, 16 * 2**20

BEFORE = ("401", "404", "500", "reset", "hang")
"""Faults that keep a request from doing anything."""
AFTER = ("lost", "truncated", "late")
"""Faults that come when the work is done: no answer, half of one, or one too late."""


@dataclass(frozen=True)
class Fault:
    """What befalls the requests from number `first` on."""

    kind: str
    first: int
    count: float = 1

    def hits(self, number: int) -> bool:
        return self.first <= number < self.first + self.count


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))

    @property
    def search(self) -> str:
        """The search that it starts."""
        starts = self.method == "POST" and self.path.endswith("/search/jobs")
        return self.form["search"] if starts else ""

    @property
    def swaps(self) -> bool:
        return "outputlookup" in self.search

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Answer = tuple[int, Any]
"""Status and JSON document."""


def said(status: int, text: str, kind: str = "ERROR") -> Answer:
    """An answer of messages alone."""
    return status, {"messages": [{"type": kind, "text": text}]}


@dataclass
class State:
    """A Splunk with the app installed."""

    token: str = "Bearer"
    lookups: dict[str, bytes] = field(default_factory=dict)
    collections: dict[str, dict[str, Record]] = field(
        default_factory=lambda: {"lofp_staging": {}, "lofp_lock": {}}
    )
    jobs: dict[str, list[str]] = field(default_factory=dict)
    """Messages of the searches that are still there, by search id."""
    running: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Searches that do not end by themselves."""
    capabilities: list[str] = field(
        default_factory=lambda: ["search", "input_file", "output_file", "rtsearch"]
    )
    app: dict[str, Any] = field(default_factory=lambda: {"version": "0.1.0", "disabled": False})
    fields: list[str] = field(default_factory=list)
    """Of the lookup definition lofp_staging."""
    private: set[str] = field(default_factory=set)
    """Lookup files of which the user has a copy."""
    lag: int = 0
    """How many looks at what was just written still show what was there before."""
    endless: bool = False
    """Searches that write do not end."""
    most_rows: int = 50_000
    now: float = 1_800_000_000.0
    extra: Callable[[Request], Answer | None] | None = None
    """Answers in place of all else what it does not give None for."""
    _stale: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    _unseen: int = 0

    def read(self, name: str) -> tuple[list[str], list[Row]]:
        """Columns and rows of a file, or of the definition that leads to a collection."""
        if not name.endswith(".csv"):
            return self.fields, self.read_collection(name)
        data = self.read_csv(name)
        if not data:
            raise SplError(f"The lookup table '{name}' is empty.")
        return read_table(data)

    def write(self, name: str, columns: Sequence[str], rows: list[Row]) -> None:
        """Puts other rows into a file."""
        self.write_csv(name, write_table(columns, rows))

    def read_csv(self, name: str) -> bytes:
        if name not in self.lookups:
            raise SplError(f"The lookup table '{name}' does not exist or is not available.")
        looks, before = self._stale.pop(name, (0, b""))
        if looks:
            self._stale[name] = looks - 1, before
        return before if looks else self.lookups[name]

    def write_csv(self, name: str, data: bytes) -> None:
        if self.lag:
            self._stale[name] = self.lag, self.lookups[name]
        self.lookups[name] = data

    def read_collection(self, definition: str) -> list[Record]:
        if self._unseen:
            self._unseen -= 1
            return []
        if definition not in self.collections or not self.fields:
            raise SplError(f"The lookup table '{definition}' is invalid.")
        documents = self.collections[definition].values()
        # In an order that is not theirs.
        shuffled = sorted(documents, key=lambda document: hash(document["_key"]))
        return [{k: v for k, v in each.items() if k in self.fields} for each in shuffled]

    def table(self, name: str) -> list[list[str]]:
        """Header and rows of a lookup file."""
        return [*csv.reader(io.StringIO(self.lookups[name].decode(), newline=""))]

    @property
    def leftovers(self) -> list[str]:
        """All that a push should have removed."""
        kept = [f"{name}/{key}" for name, all_ in self.collections.items() for key in all_]
        return [*kept, *self.jobs, *self.running]

    def finish_jobs(self) -> None:
        """Lets the endless searches come to their end."""
        for effect in self.running.values():
            effect()
        self.running.clear()

    def answer(self, request: Request) -> Answer | None:
        """What splunkd would say; None where it does not know what is asked."""
        path = request.path
        if request.headers.get("authorization") != self.token:
            return said(401, "call not properly authenticated", "WARN")
        own = self.extra(request) if self.extra else None
        if own is not None:
            return own
        if path.startswith(f"{KV}/"):
            return self._kv(request, *path[len(KV) + 1 :].split("/"))
        if path == f"{HOME}/search/jobs" and request.method == "POST":
            return self._search(request.form)
        if path.startswith(f"{HOME}/search/jobs/"):
            return self._job(request.method, path.rpartition("/")[2])
        if request.method == "GET" and request.query == {"output_mode": "json"}:
            return self._entity(path)
        return None

    def _entity(self, path: str) -> Answer | None:
        files = f"/servicesNS/{USER}/{APP}/data/lookup-table-files/"
        content: Any = {}
        acl = {"app": APP, "owner": "nobody", "sharing": "app"}
        if path == "/services/authentication/current-context":
            content = {"username": USER, "capabilities": self.capabilities, "roles": ["lofp"]}
        elif path.startswith("/services/apps/local/"):
            content = self.app if path.endswith(f"/{APP}") else {}
        elif path == f"{HOME}/data/transforms/lookups/lofp_staging":
            content = {"fields_list": ", ".join(self.fields)} if self.fields else {}
        elif path.startswith(files):
            name = path[len(files) :]
            content = {"eai:data": f"/opt/{name}"} if name in self.lookups else {}
            if name in self.private:
                acl = {"app": APP, "owner": USER, "sharing": "user"}
        else:
            return None
        if not content:
            return said(404, f"Could not find object id={path.rpartition('/')[2]}")
        return 200, {"entry": [{"name": path, "content": content, "acl": acl}]}

    def _kv(self, request: Request, name: str, key: str = "") -> Answer | None:
        documents = self.collections.get(name)
        if documents is None:
            return said(404, "Collection not found.")
        if request.method == "DELETE" and not key:
            wanted = json.loads(request.query.get("query", "{}"))
            for each in [k for k, d in documents.items() if wanted.items() <= d.items()]:
                del documents[each]
            return 200, None
        if request.method == "GET" and key:
            return (
                (200, documents[key]) if key in documents else said(404, "Could not find object.")
            )
        if request.method != "POST" or request.headers.get("content-type") != "application/json":
            return None
        body = json.loads(request.body)
        if key == "batch_save":
            if len(body) > MAX_DOCUMENTS or len(request.body) > MAX_BYTES:
                return said(400, "Request exceeds API limits - see limits.conf for details.")
            documents.update({document["_key"]: document for document in body})
            self._unseen = self.lag
            return 200, [document["_key"] for document in body]
        if key or not isinstance(body, dict):
            return None
        if body["_key"] in documents:
            return said(409, "A document with the same key and user already exists.")
        documents[body["_key"]] = body
        return 201, {"_key": body["_key"]}

    def _search(self, form: dict[str, str]) -> Answer | None:
        spl = form.pop("search")
        writes = "outputlookup" in spl
        shape = {"exec_mode", "output_mode"} | (
            {"id", "timeout"} if writes else {"count", "max_count"}
        )
        mode = "blocking" if writes else "oneshot"
        if form.keys() != shape or form["exec_mode"] != mode or form["output_mode"] != "json":
            return None
        if writes:
            return self._write(spl, form["id"])
        try:
            records = self.run(spl)
        except SplError as error:
            return said(400, str(error), "FATAL")
        # count=0 stands for as many as there may be, and is 100 where it is not given.
        records = records[: min(int(form["max_count"]), self.most_rows)]
        results = [{key: str(value) for key, value in record.items()} for record in records]
        names = list(dict.fromkeys(key for record in results for key in record))
        return 200, {
            "preview": False,
            "init_offset": 0,
            "messages": [{"type": "INFO", "text": "a remark"}],
            "fields": [{"name": name} for name in names],
            "results": results,
        }

    def run(self, spl: str) -> list[Row]:
        """The rows that a search gives; raises SplError."""
        return Interpreter(self, Clock(self.now)).search(spl).rows

    def _write(self, spl: str, sid: str) -> Answer:
        if sid in self.jobs or sid in self.running:
            return said(400, "a search with this id exists")
        if self.endless:
            self.running[sid] = lambda: self.run(spl).clear()
            raise Endless
        self.jobs[sid] = []
        try:
            self.run(spl)
        except SplError as error:
            self.jobs[sid].append(str(error))
        return 201, {"sid": sid}

    def _job(self, method: str, sid: str) -> Answer | None:
        if sid not in self.jobs and sid not in self.running:
            return said(404, "Unknown sid.", "FATAL")
        if method == "DELETE":
            self.jobs.pop(sid, None)
            self.running.pop(sid, None)
            return said(200, "Search job cancelled.", "INFO")
        texts = [{"type": "FATAL", "text": text} for text in self.jobs.get(sid, [])]
        return 200, {"entry": [{"name": sid, "content": {"messages": texts}}]}


class Endless(Exception):
    """No answer comes."""


class StandIn:
    """Serves a `State` while it is open as a context."""

    def __init__(self, certificate: Path, state: State) -> None:
        self.state = state
        self.fault: Fault | None = None
        self.requests: list[Request] = []
        self.refused: list[str] = []
        """Requests that splunkd would not have understood, and bugs of the stand-in."""
        self.closing = threading.Event()
        self.turn = threading.Lock()
        self._server = _Server(self, certificate)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    @property
    def url(self) -> str:
        return f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, stand_in: StandIn, certificate: Path) -> None:
        self.stand_in = stand_in
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or that refuses the certificate, is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    # An answer in one piece, or each would wait for the client's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        self.request.settimeout(self.timeout)
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.request.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on standard error."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.stand_in.state.now)

    def _answer(self) -> None:
        stand_in = self.server.stand_in
        target = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(target.path),
            dict(parse_qsl(target.query)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        with stand_in.turn:
            number = len(stand_in.requests)
            stand_in.requests.append(request)
        fault = stand_in.fault
        kind = fault.kind if fault and fault.hits(number) else ""
        if kind in BEFORE:
            self._fail(kind)
            return
        try:
            with stand_in.turn:
                answer = stand_in.state.answer(request)
        except Endless:
            self._fail("hang")
            return
        except Exception as error:
            stand_in.refused.append(f"{request}: {error!r}")
            answer = said(500, "a bug of the stand-in")
        if answer is None:
            stand_in.refused.append(f"{request}: {request.query} {request.body[:200]!r}")
            answer = said(400, "not understood")
        self._reply(*answer, fault=kind)

    do_GET = do_POST = do_DELETE = _answer

    def _fail(self, kind: str) -> None:
        if kind.isdigit():
            self._reply(*said(int(kind), f"made to fail: {self.headers['Authorization']}"))
            return
        self.close_connection = True
        if kind in ("hang", "late"):
            self.server.stand_in.closing.wait(5)
        linger = struct.pack("ii", 1, 0)  # closing it then resets the line
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _reply(self, status: int, document: Any, fault: str = "") -> None:
        if fault in ("lost", "late"):
            self._fail(fault)
            return
        data = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(data) or (10 if fault else 0)))
        self.end_headers()
        if fault == "truncated":
            self.close_connection = True
            data = data[: len(data) // 2]
        self.wfile.write(data)
        self.wfile.flush()
