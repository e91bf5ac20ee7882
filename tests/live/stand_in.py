"""A Splunk for the live kit's own tests: the REST API that it uses, answered by the emulator.

So every answer of it is one that the emulator states; the first run against a Splunk tells where
both are wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from lofp_enrich import __version__
from tests.live.kit import APP, PREFIX, SHARED
from tests.push.splunkd_rest import Answer, Request, said
from tests.spl.evaluation import text_of
from tests.spl.search import Results
from tests.spl.site import Splunk
from tests.spl.syntax import SplError, every

JOBS = f"/servicesNS/nobody/{APP}/search/jobs"
FILES = re.compile(rf"/servicesNS/[^/]+/{APP}/data/lookup-table-files(?:/(.+))?")
OBJECTS = {
    "configs/conf-commands/lofpenrich": "command",
    "data/transforms/lookups/lofp_entries": "lookup",
    "configs/conf-macros/lofp_alerts": "macro",
    "data/ui/views/triage": "page",
    "saved/searches/LoFP - Rules without an explanation": "report",
}


class LiveSplunk:
    """Answers requests with what an emulated search head says; give `answer` to a `State`."""

    def __init__(self, splunk: Splunk) -> None:
        self.splunk = splunk
        self.shared = dict(SHARED)
        self.searches: list[str] = []
        self.lie: Callable[[str, Results], Results] = lambda search, results: results
        """What becomes of the results of a search, for a test to make them other ones."""
        self._jobs: dict[str, Results] = {}

    @property
    def scratch(self) -> list[Path]:
        """The scratch lookups that are there."""
        return sorted((self.splunk.app / "lookups").glob(f"{PREFIX}*"))

    def answer(self, request: Request) -> Answer | None:
        """What it says to a request of the kit; None to any other."""
        files = FILES.fullmatch(request.path)
        home = f"/servicesNS/nobody/{APP}/"
        if request.path == f"/services/apps/local/{APP}":
            return 200, {"entry": [{"content": {"version": __version__}}]}
        if files and request.method == "GET" and not files[1]:
            acl = {"app": APP, "owner": "nobody", "sharing": "app"}
            names = [path.name for path in (self.splunk.app / "lookups").glob("*.csv")]
            return 200, {"entry": [{"name": name, "acl": acl} for name in names]}
        if files and request.method == "DELETE" and unquote(files[1]).startswith(PREFIX):
            (self.splunk.app / "lookups" / unquote(files[1])).unlink()
            return 200, {}
        if request.path.startswith(home) and unquote(request.path[len(home) :]) in OBJECTS:
            kind = OBJECTS[unquote(request.path[len(home) :])]
            return 200, {"entry": [{"acl": {"sharing": self.shared[kind]}}]}
        if request.path == JOBS and request.method == "POST":
            return self._search(request.form)
        if request.path.startswith(f"{JOBS}/") and request.method == "DELETE":
            self._jobs.pop(unquote(request.path[len(JOBS) + 1 :]))
            return said(200, "Search job cancelled.", "INFO")
        return None

    @property
    def jobs(self) -> int:
        """How many jobs are kept."""
        return len(self._jobs)

    def _search(self, form: dict[str, str]) -> Answer | None:
        search = form["search"]
        self.searches.append(search)
        if form["latest_time"] != "now" or form["earliest_time"] != "-1m" or not form["max_time"]:
            return None
        try:
            results = self._run(search, form["earliest_time"])
        except SplError as error:
            return said(400, str(error), "FATAL")
        results = self.lie(search, results)
        if form["exec_mode"] == "blocking":
            sid = f"1700000000.{len(self.searches)}"
            self._jobs[sid] = results
            return 201, {"sid": sid}
        rows = [{name: text_of(value) for name, value in row.items()} for row in results.rows]
        return 200, {"results": rows[: int(form["max_count"])], "messages": []}

    def _run(self, search: str, earliest: str) -> Results:
        loaded = re.fullmatch(r"\| loadjob (\S+) \| (.*)", search, re.DOTALL)
        if loaded:
            return self.splunk.continue_search(loaded[2], self._jobs[loaded[1]])
        for each in every(self.splunk.parse(search)):
            if each.name == "outputlookup" and not each.words[-1].startswith(PREFIX):
                raise AssertionError(f"the kit writes {each.words[-1]}")
        return self.splunk.search(search, earliest)
