"""A conversation with one process of a command: getinfo, chunks, the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .process import CommandProcess
from .protocol import Event, Frame, ProtocolError, decode_table
from .selection import Selection

TYPES = ("streaming", "stateful", "events", "reporting")
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")


@dataclass(frozen=True)
class Result:
    """What a search would go on with, and everything that was said on the way."""

    events: list[Event]
    """All events, merged with the fields that did not travel; empty values are absent."""
    chunks: list[list[Event]]
    """The same, by reply."""
    messages: list[tuple[str, str]]
    """(level, text) in the order a user gets them, splunkd's own about the exit code last."""
    info: dict[str, Any]
    """The getinfo reply: type, required_fields, ..."""
    returncode: int
    stderr: str
    sent: list[Frame]
    """Every frame to the command, getinfo first."""
    received: list[Frame]
    """Every frame from the command, the getinfo reply first."""

    @property
    def errors(self) -> list[str]:
        """The texts that a user sees in red."""
        return [text for level, text in self.messages if level in {"ERROR", "FATAL"}]


class Session:
    """Sends what splunkd sends, holds every answer against the protocol, and keeps it."""

    def __init__(self, process: CommandProcess, command: str) -> None:
        self._process = process
        self._command = command
        self._sent: list[Frame] = []
        self._received: list[Frame] = []
        self._messages: list[tuple[str, str]] = []
        self._chunks: list[list[Event]] = []
        self._returncode = 0
        self.info: dict[str, Any] = {}
        self.selection: Selection
        self.failed = False
        """Whether the command has ended with an error: it is sent nothing more."""

    def getinfo(self, metadata: Mapping[str, Any]) -> None:
        """Ask what the command is, which sets `info` and `selection` unless it has failed."""
        answer = self._ask(Frame.make(metadata))
        if answer is None:
            return
        if answer.body:
            raise ProtocolError(f"the getinfo reply has a body: {answer.body[:200]!r}")
        self.info = answer.metadata
        if not self.failed:
            if self.info.get("type") not in TYPES:
                raise ProtocolError(f"the getinfo reply has no valid type: {self.info}")
            self.selection = Selection(self.info)

    def execute(self, events: Sequence[Event], frame: Frame) -> None:
        """Send a chunk, which holds these events or a part of each, and keep the answer."""
        answer = self._ask(frame)
        if answer is None:
            return
        last, finished = frame.metadata["finished"], answer.metadata.get("finished")
        if not isinstance(finished, bool):
            raise ProtocolError(f"the reply does not say whether it is finished: {answer.metadata}")
        # With an error, a reply that ends the work early and lacks events is the way to stop.
        stops = _tells_error(answer.metadata)
        if finished != last and not (finished and stops):
            raise ProtocolError(f"a chunk with finished={last} is answered finished={finished}")
        self.failed |= finished != last
        table = decode_table(answer.body)
        self._chunks.append(self.selection.merge(events, table, partial=stops))

    def end(self, *, allow_stderr: bool) -> None:
        """End the input, collect the exit code, and see that nothing was said on the side."""
        self._returncode = self._process.end()
        if self._returncode:
            self.failed = True
            self._messages.append(
                (
                    "ERROR",
                    f"Error in '{self._command}' command: External search command exited "
                    f"unexpectedly with non-zero error code {self._returncode}.",
                )
            )
        if self._process.stderr and not allow_stderr:
            raise ProtocolError(f"written to standard error: {self._process.stderr[-2000:]}")

    def result(self) -> Result:
        """All that was collected."""
        return Result(
            events=[event for chunk in self._chunks for event in chunk],
            chunks=self._chunks,
            messages=self._messages,
            info=self.info,
            returncode=self._returncode,
            stderr=self._process.stderr,
            sent=self._sent,
            received=self._received,
        )

    def _ask(self, frame: Frame) -> Frame | None:
        self._sent.append(frame)
        answer = self._process.ask(frame)
        if answer is None:
            self.failed = True
            if self._process.end() == 0:
                raise ProtocolError(
                    f"the command ended with exit code 0 and no answer to frame {len(self._sent)}"
                    f"\nstandard error: {self._process.stderr[-2000:]}"
                )
            return None
        self._received.append(answer)
        self._messages += _messages(answer.metadata)
        if "error" in answer.metadata:
            # Recorded order: what the inspector says comes before the error.
            self._messages.append(("ERROR", str(answer.metadata["error"])))
            self.failed = True
        return answer


def _messages(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    inspector = metadata.get("inspector")
    told = [] if inspector is None else inspector.get("messages", [])
    for message in told:
        if not (isinstance(message, list) and len(message) == 2 and message[0] in LEVELS):
            raise ProtocolError(f"not an inspector message: {message!r}")
    return [(level, str(text)) for level, text in told]


def _tells_error(metadata: Mapping[str, Any]) -> bool:
    return "error" in metadata or any(
        level in {"ERROR", "FATAL"} for level, _ in _messages(metadata)
    )
