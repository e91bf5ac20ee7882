"""How the rows of a lookup file take the place of those in use.

They are put into a KV store collection of the app, where no search looks; they are read back and
compared; then one search copies them over the CSV file, which Splunk replaces in one step. This is
done with searches and the KV store alone, the ways that Splunk Cloud and search head clusters leave
open and replicate by themselves.

The text of a search is made of names and numbers of ours; what rules say travels as data.
"""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Callable

from lofp_enrich.deploy.client import SplunkdError
from lofp_enrich.deploy.installed import MAX_ROWS, STAGING, InstalledApp, checked
from lofp_enrich.deploy.tables import LookupRows
from lofp_enrich.errors import LofpError

LOCK = "lofp_lock"
"""The collection that holds one document while a push is at work."""
LEASE = 1800.0
"""Seconds after which a lock is taken for that of a push that died."""
_ENOUGH = 1200.0
"""Seconds after which a push does not begin another swap: its lock must outlive it."""

_BATCH_ROWS = 500
_BATCH_BYTES = 4 * 2**20
"""limits.conf allows 1,000 documents (`max_documents_per_batch_save`) and 50 MB at once."""
_JOB_SECONDS = 60
"""How long splunkd keeps what a search left, should we fail to remove it."""

_DATA = "storage/collections/data"
_KEY = "push"


class Staging:
    """One push: its lock, its staged rows, its swaps. `clean_up` must end it, whatever happens."""

    def __init__(self, app: InstalledApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._door = app.door
        self._clock = clock
        self._run = f"r{secrets.token_hex(8)}"
        self._jobs: list[str] = []
        """Searches that may still be there; one that runs could write after we have gone."""
        self._swaps = 0
        self._asked = self._locked = False
        self._began = clock()
        self._since = self._door.now()

    def lock(self, take_over: bool = False) -> None:
        """Keeps other pushes out; raises LofpError where another one is at work.

        The KV store refuses a second document with the same key, whoever is quicker. A lock that
        is older than `LEASE` by splunkd's clock, or any with `take_over`, is replaced.
        """
        self._asked = True
        document = {
            "_key": _KEY,
            "run": self._run,
            "host": socket.gethostname(),
            "since": self._since,
        }
        for _ in range(3):
            if self._insert(document):
                self._locked = True
                return
            holder = self._holder()
            if holder is not None:
                self._check_abandoned(holder, take_over)
                # Its own document alone: meanwhile another push may have taken it over.
                self._unlock(str(holder.get("run")))
        raise LofpError("another push was quicker; run lofp-enrich push again when it is done.")

    def clear(self) -> None:
        """Removes all staged rows, those of earlier pushes that died too. Needs the lock."""
        self._door.delete(f"{_DATA}/{STAGING}")

    def stage(self, table: LookupRows, age: str) -> None:
        """Puts the rows of a table beside those in use, and makes sure that all arrived.

        `age` is `old` or `new`. Raises SplunkdError where what arrived is not what was sent.
        """
        if len(table.rows) > MAX_ROWS:
            raise LofpError(
                f"{table.name} has {len(table.rows):,} rows; the KV store gives at most "
                f"{MAX_ROWS:,} at once, so it cannot be pushed. Build from fewer sources, or "
                "install the app again with these lookups."
            )
        for batch in _batches(self._documents(table, age)):
            self._door.post_json(f"{_DATA}/{STAGING}/batch_save", batch)
        if not self._shows(table, lambda: self._staged(table, age)):
            raise SplunkdError(f"the rows of {table.name} did not arrive whole in the KV store.")

    def swap(self, table: LookupRows, age: str) -> None:
        """Makes staged rows the lookup file in use, and makes sure that they are.

        Raises LofpError where they are not; then the file may be the one or the other, whole.
        """
        if self._clock() - self._began > _ENOUGH and age == "new":
            raise LofpError("this push takes too long to be safe from others; run it again.")
        failure = self._swap(table, age)
        for _ in range(1, self._door.limits.tries):
            if failure is not None and failure.transient:
                failure = self._swap(table, age)
        if failure is not None:
            raise failure

    def clean_up(self) -> list[str]:
        """Removes all that this push left there; names what could not be removed."""
        left = [f"the search {sid}" for sid in list(self._jobs) if not self._end(sid)]
        if self._locked and not self._succeeds(self.clear):
            left.append(f"staged rows in the collection {STAGING}")
        if self._asked and not self._succeeds(lambda: self._unlock(self._run)):
            left.append(f"a lock that holds until {_clock_time(self._since + LEASE)}")
        return left

    def _insert(self, document: dict[str, Any]) -> bool:
        try:
            self._door.post_json(f"{_DATA}/{LOCK}", json.dumps(document).encode())
        except SplunkdError as error:
            if error.status != 409:
                raise
            # The first try may have succeeded unseen.
            holder = self._holder()
            return holder is not None and holder.get("run") == self._run
        return True

    def _holder(self) -> dict[str, Any] | None:
        try:
            holder = self._door.get(f"{_DATA}/{LOCK}/{_KEY}")
        except SplunkdError as error:
            if error.status != 404:
                raise
            return None
        return holder if isinstance(holder, dict) else {}

    def _check_abandoned(self, holder: dict[str, Any], take_over: bool) -> None:
        since = holder.get("since")
        since = float(since) if isinstance(since, (int, float)) else 0.0
        if not take_over and self._door.now() - since < LEASE:
            raise LofpError(
                f"another push, from {holder.get('host')!s:.100}, is at work there since "
                f"{_clock_time(since)}; wait until it is done. If it died, its lock ends at "
                f"{_clock_time(since + LEASE)}, or now with --take-over."
            )

    def _unlock(self, run: str) -> None:
        self._door.delete(f"{_DATA}/{LOCK}", query=json.dumps({"run": run}))

    def _set(self, table: LookupRows, age: str) -> str:
        return f"{self._run}_{age}_{table.name.rpartition('.')[0]}"

    def _documents(self, table: LookupRows, age: str) -> Iterator[dict[str, Any]]:
        name = self._set(table, age)
        # Splunk cannot write a file of a header alone: one row of empty cells stands for no row.
        for position, row in enumerate(table.rows or [("",) * len(table.columns)]):
            cells = {key: cell for key, cell in zip(table.columns, row) if cell}
            yield {
                # A key of our own: sent again, a row takes its own place.
                "_key": f"{name}_{position}",
                "lofp_set": name,
                "lofp_position": position,
                **cells,
            }

    def _spl(self, table: LookupRows, age: str) -> str:
        """Reads staged rows in their order; gives none at all unless every one is there."""
        # An empty cell is a value, or a column of empty cells would not be written.
        cells = ", ".join(f"{each}=coalesce('{each}',\"\")" for each in table.columns)
        return (
            f'| inputlookup strict=true {STAGING} where lofp_set="{self._set(table, age)}" '
            f"| eventstats count AS lofp_rows | where lofp_rows={len(table.rows) or 1} "
            f"| sort 0 num(lofp_position) | eval {cells} | table {' '.join(table.columns)}"
        )

    def _staged(self, table: LookupRows, age: str) -> LookupRows:
        return self._app.table(table.name, self._app.search(self._spl(table, age)))

    def _swap(self, table: LookupRows, age: str) -> SplunkdError | None:
        self._swaps += 1
        sid = f"lofp_{self._run}_{self._swaps}"
        failure = None
        self._jobs.append(sid)
        try:
            self._door.post(
                "search/jobs",
                tries=1,  # a second search under the same id is refused
                search=checked(
                    # override_if_empty: without rows the file stays, where it would be deleted.
                    f"{self._spl(table, age)} | outputlookup append=false "
                    f"override_if_empty=false createinapp=true {table.name} | stats count"
                ),
                exec_mode="blocking",
                id=sid,
                timeout=_JOB_SECONDS,
            )
        except SplunkdError as error:
            failure = error
            self._end(sid)  # it may run without us, and must not write when we have given up
        try:
            if self._shows(table, lambda: self._app.read(table.name), patient=not failure):
                return None
            said = "" if failure else self._complaint(sid)
        finally:
            self._end(sid)
        return failure or SplunkdError(
            f"{table.name} is not what was written{said}.", transient=True
        )

    def _shows(
        self, table: LookupRows, look: Callable[[], LookupRows], patient: bool = True
    ) -> bool:
        """Whether `look` sees the rows of a table, now or after the time a cluster may take."""
        for pause in self._door.limits.settle if patient else (0,):
            if pause:
                self._door.sleep(pause)
            if look().digest == table.digest:
                return True
        return False

    def _complaint(self, sid: str) -> str:
        try:
            content = self._door.get(f"search/jobs/{sid}")["entry"][0]["content"]
            texts = [str(each["text"]) for each in content["messages"] if each["type"] != "INFO"]
        except (SplunkdError, KeyError, IndexError, TypeError):
            return ""
        return f" ({self._door.quote('; '.join(texts))})" if texts else ""

    def _end(self, sid: str) -> bool:
        """Ends a search and removes what it left; whether it is gone."""
        if sid in self._jobs:
            try:
                self._door.delete(f"search/jobs/{sid}")
            except SplunkdError as error:
                if error.status != 404:
                    return False
            self._jobs.remove(sid)
        return True

    def _succeeds(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except SplunkdError:
            return False
        return True


def _batches(documents: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """JSON lists of documents, each well within what splunkd takes at once."""
    batch: list[bytes] = []
    size = 0
    for document in documents:
        data = json.dumps(document).encode()
        if batch and (len(batch) == _BATCH_ROWS or size + len(data) > _BATCH_BYTES):
            yield b"[" + b",".join(batch) + b"]"
            batch, size = [], 0
        batch.append(data)
        size += len(data)
    if batch:
        yield b"[" + b",".join(batch) + b"]"


def _clock_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M} UTC"
