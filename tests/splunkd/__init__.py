"""An emulator of splunkd, as far as it runs search commands of protocol version 2.

`FakeSplunkd(app, python, work_dir=...).search("| mycommand max=5", events)` runs a command of an
installed app the way splunkd does and gives a `Result`.
"""

from __future__ import annotations

from .daemon import FakeSplunkd
from .protocol import CommandHung, Event, Frame, ProtocolError, canonical
from .recording import Recording, recordings_dir
from .session import Result

__all__ = [
    "CommandHung",
    "Event",
    "FakeSplunkd",
    "Frame",
    "ProtocolError",
    "Recording",
    "Result",
    "canonical",
    "recordings_dir",
]
