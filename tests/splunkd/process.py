"""One run of a command's script, as a process with three pipes and a time limit."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from .protocol import CommandHung, Frame, ProtocolError, read_frame

_LAST_WORDS = 0.5
"""Seconds that a command which broke the protocol has to end by itself, and say why."""


class CommandProcess:
    """Exchanges frames with a started script; leaving the context kills what still runs.

    Neither side can block the other: frames are written and standard error is read by threads,
    and when the time is up the process is killed, which ends every read and write.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=dict(env)
        )
        self._stdin, self._stdout, stderr = (
            _open(stream)
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._timeout = timeout
        self._hung = False
        self._errors = bytearray()
        self._reader = threading.Thread(target=self._drain, args=(stderr,), daemon=True)
        self._reader.start()
        self._writer: threading.Thread | None = None
        self._alarm = threading.Timer(timeout, self._kill)
        self._alarm.daemon = True
        self._alarm.start()

    def ask(self, frame: Frame) -> Frame | None:
        """Send a frame and wait for its answer; None where the process ended without one."""
        self._writer = threading.Thread(target=self._write, args=(frame.raw,), daemon=True)
        self._writer.start()
        try:
            answer = read_frame(self._stdout)
        except ProtocolError as error:
            self._fail_if_hung()
            raise self._explained(str(error)) from error
        self._writer.join()
        self._fail_if_hung()
        return answer

    def end(self) -> int:
        """Close the input, wait for the exit code; raises where the command still has output."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        rest = self._stdout.read()
        code = self._process.wait()
        self._reader.join()
        self._fail_if_hung()
        if rest:
            what = "a further reply" if rest.startswith(b"chunked ") else "stray bytes"
            raise self._explained(f"the command wrote {what} that nobody asked for: {rest[:200]!r}")
        return code

    @property
    def stderr(self) -> str:
        """What the command has written to standard error so far."""
        return self._errors.decode("utf-8", "replace")

    def __enter__(self) -> CommandProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._alarm.cancel()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for thread in (self._reader, self._writer):
            if thread is not None:
                thread.join()
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def _write(self, data: bytes) -> None:
        # A command that has gone shows by what it fails to answer, not here.
        with contextlib.suppress(OSError, ValueError):
            self._stdin.write(data)
            self._stdin.flush()

    def _drain(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._errors += line

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._hung = True
            self._process.kill()

    def _fail_if_hung(self) -> None:
        if self._hung:
            text = f"the command did not answer or end within {self._timeout:g} s"
            raise CommandHung(self._with_stderr(text))

    def _explained(self, text: str) -> ProtocolError:
        # The traceback that explains broken output may still be on its way.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WORDS)
            self._reader.join()
        return ProtocolError(self._with_stderr(text))

    def _with_stderr(self, text: str) -> str:
        return f"{text}\nstandard error: {self.stderr[-2000:]}" if self.stderr else text


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
