"""Sessions recorded with a real splunkd, replayed into the built command."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import pytest

from tests.splunkd import Event, FakeSplunkd, ProtocolError, Recording, recordings_dir
from tests.splunkd.protocol import decode_table, encode_table, read_frame, read_frames

RECORDINGS = {
    "countmatches.input.gz": [500],
    "multibyte_input.gz": [6638, 5861, 1, 6574, 5926, 6412, 6088, 1741, 1441],
    "sum.map.input.gz": [50000],
    "sum.reduce.input.gz": [1],
}
"""What the command met: the number of events in each chunk."""

pytestmark = pytest.mark.corpora


def _path(name: str) -> Path:
    path = recordings_dir() / name
    if not path.exists():
        pytest.skip(f"no recording {path}; LOFP_CORPORA names the folder that has recordings/")
    return path


@cache
def _load(path: Path) -> Recording:
    return Recording.load(path)


@pytest.fixture(params=RECORDINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recording(name: str) -> Recording:
    return _load(_path(name))


def _without_output(event: Event) -> Event:
    return {name: value for name, value in event.items() if not name.startswith("lofp_")}


def _check(chunks: list[list[Event]], recording: Recording) -> None:
    for answered, sent in zip(chunks, recording.tables):
        assert [_without_output(event) for event in answered] == sent.events
        assert all(event["lofp_status"] == "no_technique" for event in answered)
        assert all(event["lofp_count"] == "0" for event in answered)


def test_replay(splunkd: FakeSplunkd, recording: Recording, name: str) -> None:
    """Byte for byte as splunkd wrote them, all columns through the command."""
    result = splunkd.replay(recording, "| lofpenrich narrow=f")
    assert result.messages == []
    assert [len(chunk) for chunk in result.chunks] == RECORDINGS[name]
    assert len(result.received) == 1 + len(recording.frames)
    assert b"".join(frame.raw for frame in result.sent[1:]) == b"".join(
        frame.raw for frame in recording.frames
    )
    _check(result.chunks, recording)


def test_narrow(splunkd: FakeSplunkd, recording: Recording, name: str) -> None:
    """The same events in the same chunks, as splunkd sends them to the command's defaults."""
    result = splunkd.search("| lofpenrich", recording.events, chunk_rows=RECORDINGS[name])
    # Some are no alerts and have no _raw, which is said.
    assert [text for _, text in result.messages if "nothing could be read" not in text] == []
    assert [len(chunk) for chunk in result.chunks] == RECORDINGS[name]
    _check(result.chunks, recording)


def test_emulator_writes_what_splunkd_wrote(recording: Recording) -> None:
    for frame, table in zip(recording.frames, recording.tables):
        assert encode_table(table.fields, table.events) == frame.body


def test_emulator_refuses_the_stray_line_break_of_an_old_sdk() -> None:
    with _path("countmatches.output").open("rb") as stream:
        assert read_frame(stream) is not None
        with pytest.raises(ProtocolError, match=r"expected a frame's header, got b'\\n'"):
            read_frame(stream)


def test_emulator_reads_what_a_command_wrote() -> None:
    sent = _load(_path("countmatches.input.gz")).events
    answer = _path("countmatches.output").read_bytes().replace(b"}\nchunked", b"}chunked")
    _, chunk = read_frames(io.BytesIO(answer))
    events = decode_table(chunk.body).events
    assert all(event.pop("word_count").isdigit() for event in events)  # type: ignore[union-attr]
    assert events == sent
