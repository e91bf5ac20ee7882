"""The app as it is installed in a Splunk: its version, its lookups, what a push needs of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from splunklib.binding import UrlEncoded

from lofp_enrich import __version__
from lofp_enrich.deploy.client import Client, SplunkdError
from lofp_enrich.deploy.tables import LookupRows
from lofp_enrich.errors import LofpError
from lofp_enrich.search.knowledge.columns import CATALOGUE

READING = ("search", "input_file")
"""The capabilities that `status` needs: to run a search, and `inputlookup` in it."""
WRITING = (*READING, "output_file")
"""The capabilities that `push` needs: `outputlookup` too."""
STAGING = "lofp_staging"
"""Both the collection that holds rows on their way and the lookup definition that reads it."""
MAX_ROWS = 50_000
"""Of one file: what limits.conf lets a query of the KV store or of the REST API give
(`max_rows_per_query`, `maxresultrows`). More would be cut off without a word."""

FIELDS = frozenset(
    {"lofp_set", "lofp_position"}.union(*(set(columns) for columns in CATALOGUE.values()))
)
"""What a staged row holds: which set it is of, where it stands there, and its cells."""


class InstalledApp:
    """The app that `door` leads to. Call `check` first; it says in one sentence what is amiss."""

    def __init__(self, door: Client) -> None:
        self.door = door
        self.version = ""
        self._user = ""

    def check(self, capabilities: Iterable[str]) -> None:
        """Asks who the token stands for and which app is there; raises LofpError for what is not.

        Nothing is changed, so it is the first thing to do.
        """
        who = self._content(self.door.get("/services/authentication/current-context"))
        self._user = str(who.get("username", ""))
        granted = who.get("capabilities") or ()
        missing = [each for each in capabilities if each not in granted]
        if missing:
            raise LofpError(
                f"the user {self._user} lacks the capability {', '.join(missing)}; give it to one "
                "of the roles of that user, or use the token of another one."
            )
        app = self._found(
            f"/services/apps/local/{self.door.app}",
            f"the app {self.door.app} is not installed there; install the archive that "
            "lofp-enrich package makes, or name the app with --app.",
        )
        self.version = str(self._content(app).get("version", ""))
        if self._content(app).get("disabled") in (True, 1, "1", "true"):
            raise LofpError(f"the app {self.door.app} is disabled there; enable it first.")

    def check_writable(self) -> None:
        """Raises LofpError unless the app takes the lookups of this version of lofp-enrich.

        A private copy of a lookup file would be read in place of the app's, and then be taken for
        its old rows.
        """
        other = (
            f"the app installed there ({self.version or 'of unknown version'}) does not take the "
            f"lookups of lofp-enrich {__version__}; install the app of the same version."
        )
        definition = self._found(f"data/transforms/lookups/{STAGING}", other)
        listed = str(self._content(definition).get("fields_list", ""))
        if {*re.split(r"[,\s]+", listed)} - {"_key", ""} != FIELDS:
            raise LofpError(other)
        for name in CATALOGUE:
            path = f"/servicesNS/{quote(self._user, safe='')}/{self.door.app}"
            found = self._found(
                UrlEncoded(f"{path}/data/lookup-table-files/{name}", skip_encode=True),
                f"the app installed there has no {name}; install the app again.",
            )
            acl = self._entry(found).get("acl") or {}
            if acl.get("sharing") == "user" or acl.get("app") != self.door.app:
                raise LofpError(
                    f"{name} of the app is hidden from the user {self._user} by another file of "
                    f"that name (app {acl.get('app')}, owner {acl.get('owner')}); remove that one."
                )

    def read(self, name: str) -> LookupRows:
        """The rows of a lookup file in use, all of them; raises SplunkdError otherwise."""
        rows = self.search(f"| inputlookup strict=true {name} | eventstats count AS lofp_rows")
        if any(str(row.get("lofp_rows")) != str(len(rows)) for row in rows):
            raise SplunkdError(
                f"{name} has more rows there than splunkd gives at once; raise maxresultrows in "
                "the stanza [restapi] of limits.conf."
            )
        known = {*CATALOGUE[name], "lofp_rows"}
        foreign = {key for row in rows for key in row if not key.startswith("_")} - known
        if foreign:
            raise LofpError(
                f"{name} has a column {min(foreign)} there that is not ours and would be lost; "
                "remove it, or install the app again."
            )
        return self.table(name, rows)

    def table(self, name: str, rows: Iterable[dict[str, Any]]) -> LookupRows:
        """Rows of a search as a table; what is not there is an empty cell."""
        return LookupRows.of(
            name, ([_cell(row.get(each)) for each in CATALOGUE[name]] for row in rows)
        )

    def search(self, spl: str) -> list[dict[str, Any]]:
        """The results of a search that writes nothing."""
        answer = self.door.post(
            "search/jobs",
            search=checked(spl),
            exec_mode="oneshot",
            count=0,
            max_count=MAX_ROWS,
        )
        complaints = self.door.quote(_complaints(answer))
        rows = answer.get("results") if isinstance(answer, dict) else None
        if complaints or not isinstance(rows, list):
            raise SplunkdError(
                f"a search failed there ({complaints or 'an answer without results'})."
            )
        return rows

    def _found(self, path: str, otherwise: str) -> Any:
        try:
            return self.door.get(path)
        except SplunkdError as error:
            if error.status != 404:
                raise
        raise LofpError(otherwise)

    def _content(self, answer: Any) -> dict[str, Any]:
        content = self._entry(answer).get("content")
        return content if isinstance(content, dict) else {}

    def _entry(self, answer: Any) -> dict[str, Any]:
        try:
            entry = answer["entry"][0]
        except (TypeError, KeyError, IndexError):
            entry = None
        if not isinstance(entry, dict):
            raise SplunkdError("splunkd gives an answer of an unknown form; look at --url.")
        return entry


def checked(spl: str) -> str:
    """`spl`, which must be of our own making: what rules say could be a command of its own."""
    if not re.fullmatch(r"[\w |.,()'\"=]+", spl, re.ASCII):
        raise AssertionError("a search holds what is not ours")
    return spl


def _complaints(answer: Any) -> str:
    messages = answer.get("messages") if isinstance(answer, dict) else None
    texts = [
        str(each.get("text", ""))
        for each in messages or ()
        if isinstance(each, dict) and each.get("type") in ("FATAL", "ERROR")
    ]
    return "; ".join(texts)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
