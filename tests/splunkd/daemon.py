"""The part of splunkd that runs a search command of an installed app."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .apps import find_commands, replicate
from .command_line import CommandLine, find_command
from .process import CommandProcess
from .protocol import Frame, ProtocolError, canonical, encode_table
from .recording import Recording
from .session import Result, Session

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class _Job:
    """All that decides what one process of a command is told."""

    line: CommandLine
    script: Path
    env: dict[str, str]
    sid: str
    search: str
    preview: bool
    maxresultrows: int
    allow_stderr: bool


class FakeSplunkd:
    """Runs the commands of one installed app with one interpreter.

    `app` is `<SPLUNK_HOME>/etc/apps/<name>`; dispatch folders and bundles go to `work_dir`. Every
    search is a probe (getinfo, then end of input) and a run, each a process of its own, and each
    has `timeout` seconds. `env` adds to the environment, which is otherwise splunkd's. With
    `probes` a search that was probed before is not probed again, for who has no use for a second.
    """

    def __init__(
        self,
        app: Path,
        python: Path | str,
        *,
        work_dir: Path,
        timeout: float = 120.0,
        splunk_version: str = "9.4.3",
        env: Mapping[str, str] | None = None,
        probes: dict[str, Session] | None = None,
    ) -> None:
        if app.parts[-3:-1] != ("etc", "apps"):
            raise ValueError(f"{app} is not <SPLUNK_HOME>/etc/apps/<name>")
        self.app = app
        self.python = str(python)
        self._work_dir = work_dir
        self._timeout = timeout
        self._splunk_version = splunk_version
        self._env = dict(env or {})
        self._probes = probes

    def search(
        self,
        search: str,
        events: Sequence[Mapping[str, str | Sequence[str]]] = (),
        *,
        chunk_rows: int | Sequence[int] | None = None,
        empty_chunks: str = "header",
        trailing_empty: bool = False,
        remote: bool = False,
        allow_stderr: bool = False,
        preview: bool = False,
        maxresultrows: int = 50000,
    ) -> Result:
        """Run the search's command on these events.

        `chunk_rows` is the size of every chunk, or a list of sizes, where 0 makes an empty one and
        the rest follows in one chunk. An empty chunk is a header without rows, or no byte at all
        with `empty_chunks="nothing"`. With `trailing_empty` the finished flag comes in an empty
        chunk of its own. `remote` runs on an indexer, from the knowledge bundle.

        Errors that the command tells are in the result. Raises `ProtocolError` for what splunkd
        or this project does not put up with: bad frames, missing or surplus replies, events that
        cannot be merged, anything on standard error unless allowed.
        """
        if empty_chunks not in {"header", "nothing"}:
            raise ValueError(f"empty_chunks is header or nothing, not {empty_chunks!r}")
        job = self._job(search, preview, maxresultrows, allow_stderr)
        kept = [canonical(event) for event in events]
        probe = self._probe(job)
        if probe.failed:
            return probe.result()
        if remote:
            if probe.info["type"] != "streaming":
                raise ProtocolError(
                    f"splunkd keeps a command of type {probe.info['type']} on the search head"
                )
            job = self._on_indexer(job)
        with self._start(self._as_run(job, probe)) as session:
            sizes = _sizes(len(kept), chunk_rows, maxresultrows, trailing_empty)
            columns: list[str] = []
            start = 0
            for number, size in enumerate(sizes, 1):
                if session.failed:
                    break
                chunk = kept[start : start + size]
                start += size
                columns, rows = session.selection.outgoing(chunk, columns)
                empty = not columns or (not rows and empty_chunks == "nothing")
                body = b"" if empty else encode_table(columns, rows)
                metadata = {"action": "execute", "finished": number == len(sizes)}
                session.execute(chunk, Frame.make(metadata, body))
            session.end(allow_stderr=allow_stderr)
        return session.result()

    def replay(
        self, recording: Recording | Path, search: str, *, allow_stderr: bool = False
    ) -> Result:
        """Run the command on a recorded session, its chunks byte for byte.

        The command must ask for all fields: a chunk that was recorded has all of its columns.
        """
        if isinstance(recording, Path):
            recording = Recording.load(recording)
        job = self._job(search, False, 50000, allow_stderr)
        probe = self._probe(job)
        if probe.failed:
            return probe.result()
        with self._start(self._as_run(job, probe)) as session:
            if not session.failed and session.selection.fields is not None:
                raise ProtocolError("the command wants only some fields of a recorded session")
            for frame, table in zip(recording.frames, recording.tables):
                if session.failed:
                    break
                session.execute(table.events, frame)
            session.end(allow_stderr=allow_stderr)
        return session.result()

    def _job(self, search: str, preview: bool, maxresultrows: int, allow_stderr: bool) -> _Job:
        commands = find_commands(self.app)
        line = find_command(search, commands)
        home = self.app.parents[2]
        env = {
            "PATH": os.pathsep.join([str(home / "bin"), os.defpath]),
            # Also keeps the packages of the user who runs the tests out of sight.
            "HOME": str(home),
            "SPLUNK_HOME": str(home),
            "SPLUNK_ETC": str(home / "etc"),
            "SPLUNK_DB": str(home / "var" / "lib" / "splunk"),
            "SPLUNK_SERVER_NAME": "FakeSplunkd",
        }
        if "SYSTEMROOT" in os.environ:
            # Python does not start on Windows without it.
            env["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        sid = f"{int(time.time())}.{next(_NUMBERS)}"
        script = commands[line.name]
        return _Job(line, script, env, sid, search, preview, maxresultrows, allow_stderr)

    def _on_indexer(self, job: _Job) -> _Job:
        """The same job where only the knowledge bundle of the app is, and no SPLUNK_HOME."""
        bundle = self._work_dir / "var" / "run" / "searchpeers" / f"sh-{job.sid}"
        script = replicate(self.app, bundle) / job.script.relative_to(self.app)
        env = {name: value for name, value in job.env.items() if not name.startswith("SPLUNK_")}
        env.update(PATH=os.defpath, HOME=str(self._work_dir))
        return replace(job, script=script, env=env, sid=f"remote_sh_{job.sid}")

    def _as_run(self, job: _Job, probe: Session) -> _Job:
        """The job after parsing: a streaming command's search is then a litsearch.

        That is so on a search head too (recorded on 8.2.1), and so says nothing about the place.
        """
        generated = job.search.lstrip().startswith("|") and not job.sid.startswith("remote_")
        if probe.info["type"] != "streaming" or generated:
            return job
        rest = re.sub(r"^\s*(search\s+|\|\s*)?", "", job.search)
        return replace(job, search=f"litsearch {rest}")

    def _probe(self, job: _Job) -> Session:
        """What splunkd does when it parses the search: getinfo, then the end of input."""
        if self._probes is not None and job.search in self._probes:
            return self._probes[job.search]
        with self._start(job) as session:
            session.end(allow_stderr=job.allow_stderr)
        if self._probes is not None and not session.failed:
            self._probes[job.search] = session
        return session

    @contextmanager
    def _start(self, job: _Job) -> Iterator[Session]:
        """A process of the command that has answered getinfo."""
        dispatch = self._work_dir / "var" / "run" / "splunk" / "dispatch" / job.sid
        dispatch.mkdir(parents=True, exist_ok=True)
        # The working directory is not recorded: one that holds nothing of the app finds out who
        # relies on it.
        with CommandProcess(
            [self.python, str(job.script)],
            cwd=dispatch,
            env={**job.env, **self._env},
            timeout=self._timeout,
        ) as process:
            session = Session(process, job.line.name)
            session.getinfo(self._getinfo(job, dispatch))
            yield session

    def _getinfo(self, job: _Job, dispatch: Path) -> dict[str, Any]:
        """The metadata of 8.2.1, in its order and types."""
        return {
            "action": "getinfo",
            "preview": job.preview,
            "streaming_command_will_restart": False,
            "searchinfo": {
                "args": job.line.args,
                "raw_args": job.line.raw_args,
                "dispatch_dir": str(dispatch),
                "sid": job.sid,
                # The app that the user searches from, seldom the one that has the command.
                "app": "search",
                "owner": "admin",
                "username": "admin",
                "session_key": "no^session_key",
                "splunkd_uri": "https://127.0.0.1:8089",
                "splunk_version": self._splunk_version,
                "search": quote(job.search, safe=""),
                "command": job.line.name,
                "maxresultrows": job.maxresultrows,
                "earliest_time": "0",
                "latest_time": "0",
            },
        }


def _sizes(
    count: int, rows: int | Sequence[int] | None, limit: int, trailing_empty: bool
) -> list[int]:
    """The number of events of each chunk; at least one chunk, which carries the finished flag."""
    if rows is None:
        rows = limit
    if isinstance(rows, int):
        sizes = [min(rows, count - start) for start in range(0, count, rows)]
    else:
        sizes = list(rows)
        if sum(sizes) > count:
            raise ValueError(f"chunks of {sizes} are more than {count} events")
        if sum(sizes) < count:
            sizes.append(count - sum(sizes))
    return sizes if sizes and not trailing_empty else [*sizes, 0]
