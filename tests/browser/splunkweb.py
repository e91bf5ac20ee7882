"""A stand-in for Splunk Web: serves the dashboards of a built app, and answers their searches."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from tests.spl.search import RISKY, Results, Row, to_columns
from tests.spl.site import Splunk
from tests.spl.syntax import every

PAGE = """<!doctype html><meta charset="utf-8"><div id="root"></div>
<style>html, body { margin: 0 }</style>
<script type="module" src="/page.js"></script>
"""


def definition(app: Path, view: str) -> Any:
    """The dashboard's definition, as the app ships it."""
    root = ElementTree.parse(app / "default" / "data" / "ui" / "views" / f"{view}.xml").getroot()
    return json.loads(root.findtext("definition") or "")


_FOUND: dict[str, Results] = {}
"""What searches gave that write nothing: pages ask the same of the same over and over."""


class Site:
    """A search head behind the page, and the searches that were made of it."""

    def __init__(self, splunk: Splunk) -> None:
        self.splunk = splunk
        self.searches: list[str] = []
        """Every search that ran, with its macros as the page sent them."""
        self.faults: list[str] = []
        """What splunkd would have refused."""
        self._jobs: list[Results] = []
        self._keys: list[str] = []
        self._lock = threading.Lock()

    def answer(self, request: Row) -> Row:
        """The reply to a search of the page: columns, or the error that splunkd would give."""
        query = str(request["query"])
        with self._lock:
            try:
                chained = "base" in request
                pipeline = self.splunk.parse(f"| {query.strip().lstrip('|')}" if chained else query)
                risky = [each.name for each in every(pipeline) if each.name in RISKY]
                if risky and request.get("checked", True):
                    return {"error": f"Found potentially risky commands: {', '.join(risky)}"}
                self.searches.append(query)
                base = int(request["base"]) if chained else -1
                window = [str(request.get("earliest") or "0"), str(request.get("latest") or "now")]
                key = json.dumps(
                    [query, self._keys[base] if chained else window, self.splunk.state()]
                )
                if risky or key not in _FOUND:
                    results = (
                        self.splunk.continue_search(query, self._jobs[base])
                        if chained
                        else self.splunk.search(query, *window)
                    )
                    if not risky:
                        _FOUND[key] = results
                else:
                    results = _FOUND[key]
            except Exception as error:  # the page shows it, and no test passes with one
                self.faults.append(f"{type(error).__name__}: {error}, in: {query}")
                return {"error": str(error)}
            self._jobs.append(results)
            self._keys.append(hashlib.sha256(key.encode()).hexdigest())
            return {"sid": str(len(self._jobs) - 1), **to_columns(results)}


class Web:
    """A web server on a free port of this machine, with one site behind it at a time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.site: Site


@contextmanager
def serve(script: Path) -> Iterator[Web]:
    """Serves whatever site is put behind it, with the bundled page, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            name = path.rsplit("/", 1)[-1]
            if path == "/page.js":
                self._send("text/javascript", script.read_bytes(), "max-age=86400")
            elif path.startswith("/definition/"):
                content = definition(web.site.splunk.app, name)
                self._send("application/json", json.dumps(content).encode())
            elif path.startswith("/app/lofp_enrich/"):
                self._send("text/html", PAGE.encode())
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = web.site.answer(json.loads(body))
            self._send("application/json", json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _send(self, kind: str, body: bytes, cache: str = "no-store") -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", cache)
            self.end_headers()
            # A page that is left behind hangs up.
            with suppress(ConnectionError):
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web = Web(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
