"""That the emulator is as strict as splunkd, shown with commands that break the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from . import CommandHung, Event, ProtocolError
from .conftest import TinyApp

EVENTS: list[Event] = [{"name": f"user {n}", "n": str(n)} for n in range(5)]

ECHO = """
info, _ = read()
reply(type="streaming")
while True:
    chunk, body = read()
    reply(body, finished=chunk["finished"])
"""

BROKEN = {
    "line break after the getinfo reply": (
        'read(); reply(type="stateful"); write(b"\\n"); read(); reply(finished=True)',
        r"stray bytes that nobody asked for: b'\\n'",
    ),
    "line break between replies": (
        'read(); reply(type="stateful"); read(); write(b"\\n"); reply(finished=True)',
        r"expected a frame's header, got b'\\n'",
    ),
    "print": (
        'read(); print("hello", flush=True); reply(type="stateful")',
        r"expected a frame's header, got b'hello",
    ),
    "length in characters": (
        """
        read(); reply(type="stateful"); read()
        write('chunked 1.0,17,8\\n{"finished":true}a,b\\né,ü\\n'.encode("utf-8"))
        """,
        "body is not UTF-8",
    ),
    "length too long": (
        """
        read(); reply(type="stateful"); read()
        write(b'chunked 1.0,17,9\\n{"finished":true}a\\n')
        """,
        r"announces 17 and 9 bytes, but the output ends after 17 and 2",
    ),
    "metadata not JSON": (
        "read(); write(b\"chunked 1.0,17,0\\n{'type':'events'}\")",
        "metadata is not JSON",
    ),
    "metadata a list": ('read(); write(b"chunked 1.0,2,0\\n[]")', "metadata is not an object"),
    "no type": ("read(); reply(generating=False)", "no valid type"),
    "unknown type": ('read(); reply(type="eventing")', "no valid type"),
    "body of getinfo": ('read(); reply("a\\n1\\n", type="events")', "reply has a body"),
    "two replies to a chunk": (
        'read(); reply(type="events"); read(); reply(finished=True); reply(finished=True)',
        "a further reply that nobody asked for",
    ),
    "no reply": ('read(); reply(type="events"); read()', "exit code 0 and no answer to frame 2"),
    "silent about finished": (
        'read(); reply(type="events"); read(); reply()',
        "does not say whether it is finished",
    ),
    "not finished": (
        'read(); reply(type="events"); read(); reply(finished=False)',
        "finished=True is answered finished=False",
    ),
    "standard error": (
        'read(); reply(type="events"); read(); reply(finished=True); sys.stderr.write("oh")',
        "written to standard error: oh",
    ),
    "not UTF-8": (
        """
        read(); reply(type="events"); read()
        write(b'chunked 1.0,17,4\\n{"finished":true}a\\n\\xff\\n')
        """,
        "body is not UTF-8",
    ),
    "stray quote": (
        'read(); reply(type="events"); read(); reply(\'a\\n"b"c\\n\', finished=True)',
        "body is not CSV",
    ),
    "short row": (
        'read(); reply(type="events"); read(); reply("a,b\\n1\\n", finished=True)',
        "row 1 has 1 cells, the header 2",
    ),
    "doubled column": (
        'read(); reply(type="events"); read(); reply("a,a\\n1,1\\n", finished=True)',
        "doubled or nameless column",
    ),
    "multivalue alone": (
        'read(); reply(type="events"); read(); reply("__mv_a\\n$1$\\n", finished=True)',
        "without a plain one",
    ),
    "multivalue malformed": (
        'read(); reply(type="events"); read(); reply("a,__mv_a\\n1,$1\\n", finished=True)',
        "malformed multivalue cell",
    ),
    "multivalue contradicted": (
        'read(); reply(type="events"); read(); reply("a,__mv_a\\n1,$2$;$3$\\n", finished=True)',
        "'a' is '1', its values are",
    ),
    "message not a pair": (
        'read(); reply(type="events", inspector={"messages": ["oh"]})',
        "not an inspector message",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_command(raw_app: TinyApp, case: str) -> None:
    code, message = BROKEN[case]
    with pytest.raises(ProtocolError, match=message):
        raw_app(code).search("| tiny", EVENTS)


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(60)",
        'read(); reply(type="events"); read(); time.sleep(60)',
        'read(); reply(type="events"); sys.stdin.buffer.read(20); time.sleep(60)',
        'read(); reply(type="events"); read(); reply(finished=True); time.sleep(60)',
    ],
    ids=["getinfo", "chunk", "unread", "end"],
)
def test_hang(raw_app: TinyApp, code: str) -> None:
    with pytest.raises(CommandHung, match=r"did not answer or end within 0\.5 s"):
        raw_app(code, timeout=0.5).search("| tiny", [{"big": "x" * 1_000_000}])


def test_probe_must_be_silent(raw_app: TinyApp) -> None:
    splunkd = raw_app('read(); reply(type="events"); sys.stdin.read(1) or sys.exit("no chunk")')
    with pytest.raises(ProtocolError, match="no chunk"):
        splunkd.search("| tiny")
    result = splunkd.search("| tiny", allow_stderr=True)
    assert result.returncode == 1
    assert len(result.received) == 1


def test_full_pipes_do_not_block(raw_app: TinyApp) -> None:
    splunkd = raw_app("""
    read(); reply(type="events")
    sys.stdin.buffer.readline() or sys.exit()
    sys.stderr.write("x" * 500_000)
    reply("a\\n" + "y" * 1_000_000 + "\\n", finished=True)
    sys.stdin.buffer.read()
    """)
    result = splunkd.search("| tiny", [{"big": "x" * 1_000_000}], allow_stderr=True)
    assert (len(result.events[0]["a"]), len(result.stderr)) == (1_000_000, 500_000)


def test_exit_code_becomes_splunkds_message(raw_app: TinyApp) -> None:
    result = raw_app('read(); reply(type="events"); read(); sys.exit(1)').search("| tiny", EVENTS)
    assert result.messages == [
        (
            "ERROR",
            "Error in 'tiny' command: External search command exited unexpectedly with non-zero "
            "error code 1.",
        )
    ]
    assert (result.returncode, result.events) == (1, [])


def test_told_errors(raw_app: TinyApp) -> None:
    splunkd = raw_app("""
    read(); reply(type="events"); read()
    reply(finished=True, error="stop", inspector={"messages": [["WARN", "odd"]]})
    """)
    result = splunkd.search("| tiny", EVENTS, chunk_rows=2)
    assert result.messages == [("WARN", "odd"), ("ERROR", "stop")]
    assert result.errors == ["stop"]
    assert len(result.chunks) == 1


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [5]),
        ({"chunk_rows": 2}, [2, 2, 1]),
        ({"chunk_rows": 2, "trailing_empty": True}, [2, 2, 1, 0]),
        ({"chunk_rows": [0, 3, 0]}, [0, 3, 0, 2]),
        ({"maxresultrows": 4}, [4, 1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("empty", ["header", "nothing"])
def test_chunks(raw_app: TinyApp, options: dict[str, Any], sizes: list[int], empty: str) -> None:
    result = raw_app(ECHO).search("| tiny", EVENTS, empty_chunks=empty, **options)
    assert result.events == EVENTS
    assert [len(chunk) for chunk in result.chunks] == sizes
    finished = [frame.metadata["finished"] for frame in result.sent[1:]]
    assert finished == [False] * (len(sizes) - 1) + [True]
    # The first chunk of all has no columns yet.
    bodies = [frame.body for frame in result.sent[2:]]
    assert all(body.count(b"\n") == size + 1 for body, size in zip(bodies, sizes[1:]) if size)
    header = b'name,n,"__mv_name","__mv_n"\n' if empty == "header" else b""
    assert all(body == header for body, size in zip(bodies, sizes[1:]) if not size)


def test_no_events(raw_app: TinyApp) -> None:
    result = raw_app(ECHO).search("| tiny")
    assert [frame.raw for frame in result.sent[1:]] == [
        b'chunked 1.0,36,0\n{"action":"execute","finished":true}'
    ]
    assert result.chunks == [[]]


def test_multivalues_and_text(raw_app: TinyApp) -> None:
    events: list[Event] = [
        {"f": ["a", "$b;$c$", "d\ne", ""], "g": "one\ntwo"},
        {"f": 'x"y,z', "g": ["ü", "日本"]},
    ]
    result = raw_app(ECHO).search("| tiny", events)
    assert result.sent[1].body.decode("utf-8") == (
        'f,g,"__mv_f","__mv_g"\n'
        '"a\n$b;$c$\nd\ne\n","one\ntwo","$a$;$$$b;$$c$$$;$d\ne$;$$",\n'
        '"x""y,z","ü\n日本",,"$ü$;$日本$"\n'
    )
    assert result.events == events


def test_empty_values_are_absent(raw_app: TinyApp) -> None:
    result = raw_app(ECHO).search("| tiny", [{"a": "", "b": ["c"], "d": []}, {"e": "f"}])
    assert result.events == [{"b": "c"}, {"e": "f"}]
