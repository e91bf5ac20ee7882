"""The fields of an event as its product wrote it, and what hostile ones cost."""

from __future__ import annotations

import gc
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.leaves import MAX_TEXT
from lofp_enrich.search.alert.raw import fields_of
from tests.conftest import examples

Fields = dict[str, Any]
EVENT = {"user": "alice", "count": 5, "tags": ["a", "b"], "process": {"command": 'b "x"'}}
SYSMON = """<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
<Provider Name='Microsoft-Windows-Sysmon' Guid='{1}'/><EventID Qualifiers=''>1</EventID>
<Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>pc1</Computer><Security/></System>
<EventData><Data Name='Image'>C:\\a\\b.exe</Data>
<Data Name="CommandLine">b.exe &quot;x&quot; &lt;y&gt; &amp; z</Data><Data Name='User'></Data>
</EventData></Event>"""


class TestJson:
    @pytest.mark.parametrize(
        "before", ["", "  \n", "<13>Jan  1 10:00:00 web01 app: ", "2026-01-01T10:00:00Z web01 CEE:"]
    )
    @pytest.mark.parametrize("indent", [None, 2])
    def test_with_a_header_before_it(self, before: str, indent: int | None) -> None:
        assert fields_of(f"{before}{json.dumps(EVENT, indent=indent)}\n") == EVENT

    def test_of_several_the_first(self) -> None:
        assert fields_of(json.dumps([EVENT, {"user": "bob"}])) == EVENT

    @pytest.mark.parametrize("text", ["[]", "{}", "[1, 2]", '["a"]', "{", "[", '{"a": }', '"a"'])
    def test_none_in_it(self, text: str) -> None:
        assert fields_of(text) == {}

    @pytest.mark.parametrize("before", ["", "<14>Jan 1 web01: "])
    def test_cut_off_what_was_there_is_read(self, before: str) -> None:
        long = {**EVENT, "image": "C:\\a", "user2": ["carol"], "pad": "x" * MAX_TEXT, "late": "no"}
        text = before + json.dumps(long).replace('"user2"', '"user"')
        found = fields_of(text)
        assert found == {
            **{"user": ["alice", "carol"], "count": "5", "tags": "a", "command": 'b "x"'},
            "image": found["image"],
        }

    def test_too_deep(self) -> None:
        assert fields_of('{"a":' * 10_000) == {}


class TestXml:
    def test_sysmon(self) -> None:
        assert fields_of(SYSMON) == {
            "Provider": "Microsoft-Windows-Sysmon",
            "EventID": "1",
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Computer": "pc1",
            "Image": "C:\\a\\b.exe",
            "CommandLine": 'b.exe "x" <y> & z',
            "User": "",
        }

    def test_on_one_line_behind_a_header(self) -> None:
        text = "<14>Jan 1 10:00:00 collector " + SYSMON.replace("\n", "")
        assert fields_of(text) == fields_of(SYSMON)

    def test_cut_off(self) -> None:
        pad = "<Data Name='Hashes'>" + "x" * 10_000
        assert fields_of(SYSMON.replace("</EventData></Event>", pad)) == fields_of(SYSMON)


class TestCef:
    HEADER = "CEF:0|Contoso|Shield|1.0|100|Odd shell|5|"

    @pytest.mark.parametrize("before", ["", "Jan  1 10:00:00 web01 ", "<13>web01 "])
    def test_header_and_extension(self, before: str) -> None:
        text = before + self.HEADER + "src=10.0.0.1 duser=alice b msg=It ran, twice; so what  act=a"
        assert fields_of(text) == {
            **{"device_vendor": "Contoso", "device_product": "Shield", "title": "Odd shell"},
            **{"src": "10.0.0.1", "duser": "alice b", "msg": "It ran, twice; so what", "act": "a"},
        }

    @pytest.mark.parametrize(
        "extension",
        ["cs1Label=Parent Process cs1=C:\\\\p q.exe", "cs1=C:\\\\p q.exe cs1Label=Parent Process"],
    )
    def test_labels(self, extension: str) -> None:
        found = fields_of(self.HEADER + extension)
        assert found["Parent Process"] == found["cs1"] == "C:\\p q.exe"

    @pytest.mark.parametrize("extension", ["cs1Label=Parent Process", "cs1= cs1Label=Parent"])
    def test_a_label_of_nothing(self, extension: str) -> None:
        assert not {"Parent Process", "Parent"} & fields_of(self.HEADER + extension).keys()

    def test_escapes(self) -> None:
        found = fields_of(self.HEADER + "fname=C:\\\\a\\\\b.exe request=/x?a\\=b msg=a\\|b")
        assert (found["fname"], found["request"]) == ("C:\\a\\b.exe", "/x?a=b")
        assert found["msg"] == "a|b"

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("a\\nb\\rc", "a\nb\nc"),
            ("a\\\\nb", "a\\nb"),
            ("a\\=b\\\\\\=c", "a=b\\=c"),
            # whose sender escapes nothing
            ("C:\\Windows\\new\\b.exe", "C:\\Windows\\new\\b.exe"),
            ("\\\\web01\\share", "\\\\web01\\share"),
            ("a\\", "a\\"),
        ],
    )
    def test_a_value(self, value: str, expected: str) -> None:
        assert fields_of(f"{self.HEADER}msg={value} act=a") == {
            **{"device_vendor": "Contoso", "device_product": "Shield", "title": "Odd shell"},
            **{"msg": expected, "act": "a"},
        }

    def test_a_bar_that_is_escaped_does_not_end_a_part(self) -> None:
        found = fields_of("CEF:0|Contoso|Shi\\|eld|1.0|100|Odd shell|5|src=10.0.0.1")
        assert (found["title"], found["src"]) == ("Odd shell", "10.0.0.1")

    @pytest.mark.parametrize("text", ["CEF:0", "CEF:0|a", "CEF:0|a|b|", "CEF:0|a|b|c|d|Odd|5"])
    def test_cut_off(self, text: str) -> None:
        assert fields_of(text).keys() <= {"device_vendor", "device_product", "title"}


class TestLeef:
    @pytest.mark.parametrize("before", ["", "<13>Jan  1 10:00:00 web01 "])
    def test_tabs(self, before: str) -> None:
        text = before + "LEEF:1.0|Contoso|Shield|1.0|100|src=10.0.0.1\tusrName=alice b\turl=/?a=b"
        assert fields_of(text) == {
            **{"device_vendor": "Contoso", "device_product": "Shield"},
            **{"src": "10.0.0.1", "usrName": "alice b", "url": "/?a=b"},
        }

    @pytest.mark.parametrize(
        ("named", "separator"),
        [
            *(("^|", "^"), ("x5E|", "^"), ("0x5e|", "^"), ("x7c|", "|"), ("x09|", "\t")),
            *(("|", "\t"), ("", "\t"), ("#|", "#"), ("x01|", "\x01"), (" |", " ")),
        ],
    )
    def test_a_separator_of_its_own(self, named: str, separator: str) -> None:
        pairs = ("src=10.0.0.1", "url=/?a=b", "resource=C:\\new\\b.exe")
        text = f"<13>Jan  1 10:00:00 web01 LEEF:2.0|Contoso|Shield|1.0|100|{named}"
        assert fields_of(text + separator.join(pairs)) == {
            **{"device_vendor": "Contoso", "device_product": "Shield"},
            **{"src": "10.0.0.1", "url": "/?a=b", "resource": "C:\\new\\b.exe"},
        }

    def test_what_is_no_separator(self) -> None:
        found = fields_of("LEEF:2.0|Contoso|Shield|1.0|100|src=10.0.0.1\tmsg=a|b")
        assert (found["src"], found["msg"]) == ("10.0.0.1", "a|b")
        assert fields_of("LEEF:1.0|Contoso|Shield|1.0|100|^|src=10.0.0.1").get("src") != "10.0.0.1"

    @pytest.mark.parametrize("rest", ["", "|a|b|c", "|a|b|c|d|", "|a|b|c|d|^|"])
    def test_cut_off(self, rest: str) -> None:
        assert fields_of("LEEF:2.0" + rest).keys() <= {"device_vendor", "device_product"}

    def test_blanks(self) -> None:
        found = fields_of("LEEF:1.0|Contoso|Shield|1.0|100|src=10.0.0.1 usrName=alice")
        assert (found["src"], found["usrName"]) == ("10.0.0.1", "alice")


class TestPairs:
    def test_a_finding(self) -> None:
        text = (
            '1767261600, search_name="Access - Odd Logins - Rule", user="alice", user="bob",'
            ' user="alice", orig_raw="say \\"x\\", a=b", risk_score="64", dest="web01"'
        )
        assert fields_of(text) == {
            **{"search_name": "Access - Odd Logins - Rule", "orig_raw": 'say "x", a=b'},
            **{"user": ["alice", "bob", "alice"], "risk_score": "64", "dest": "web01"},
        }

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a=1 b=2 c=3", {"a": "1", "b": "2", "c": "3"}),
            ("a=1,b=2;c=3|d=4", {"a": "1", "b": "2", "c": "3", "d": "4"}),
            ("a = 1 b = 2 c = 3", {"a": "1", "b": "2", "c": "3"}),
            ("a=1\nb.c-d=2\n_e=3", {"a": "1", "b.c-d": "2", "_e": "3"}),
            ('a="",b=,c=3 d=4', {"a": "", "b": "", "c": "3", "d": "4"}),
            ("type=X msg=audit(1.2:3): a=1 exe=/bin/sh", {"type": "X", "a": "1", "exe": "/bin/sh"}),
            ("a=1 a=1 a=2 b=3", {"a": ["1", "2"], "b": "3"}),
            ("Somebody said a=b.", {}),
        ],
    )
    def test_text(self, text: str, expected: Fields) -> None:
        found = fields_of(text)
        assert {name: found[name] for name in expected} == expected
        assert bool(found) == bool(expected)


class TestLines:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_of_windows(self, end: str) -> None:
        lines = (
            *("A new process has been created.", "", "Creator Subject:"),
            *("\tSecurity ID:\t\tS-1-5-18", "\tAccount Name:\t\talice", "", "Process Information:"),
            *("\tNew Process Name:\tC:\\a\\b.exe", "\tProcess Command Line:\tb.exe /x: y", "\tNo:"),
        )
        assert fields_of(end.join(lines)) == {
            **{"Creator Subject.Security ID": "S-1-5-18", "Creator Subject.Account Name": "alice"},
            "Process Information.New Process Name": "C:\\a\\b.exe",
            "Process Information.Process Command Line": "b.exe /x: y",
        }

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Image: C:\\a\\b.exe\nUser: a", {"Image": "C:\\a\\b.exe", "User": "a"}),
            ("A b: c\\r\\nUser: a", {"A b": "c", "User": "a"}),
            ("Process Create: x\\nParent Image: y", {"Process Create": "x", "Parent Image": "y"}),
            ("User: a\nUser: b", {"User": "a"}),
            ("A:\n  User: a\nB:\n  User: b", {"A.User": "a", "B.User": "b"}),
            ("A:\n  User: a\nUser: b", {"A.User": "a", "User": "b"}),
            ("A: x\n  User: a\n\n  Image: b", {"A": "x", "User": "a", "Image": "b"}),
            ("Note: only this", {}),
            ("http://example.com\nhttps://example.com", {}),
        ],
    )
    def test_text(self, text: str, expected: Fields) -> None:
        assert fields_of(text) == expected


class TestClassicWindows:
    HEAD = "01/02/2026 10:00:00 AM\nLogName=Security\nEventCode=4688\nComputerName=pc1.example\n"

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_head_and_message(self, end: str) -> None:
        lines = (
            *(
                "TaskCategory=Process Creation",
                "User=NOT_TRANSLATED",
                "Message=A process began.",
                "",
            ),
            *("Creator Subject:", "\tAccount Name:\t\talice", "\tLogon ID:\t\t0x1", ""),
            *("Target Subject:", "\tAccount Name:\t\t-", "", "Process Information:"),
            *("\tNew Process Name:\tC:\\a\\b.exe", "\tProcess Command Line:\tb /x=y", ""),
            "Type 1 is a full token.",
        )
        assert fields_of((self.HEAD + "\n".join(lines)).replace("\n", end)) == {
            **{"LogName": "Security", "EventCode": "4688", "ComputerName": "pc1.example"},
            **{"TaskCategory": "Process Creation", "User": "NOT_TRANSLATED"},
            **{"Message": "A process began.", "Creator Subject.Account Name": "alice"},
            **{"Creator Subject.Logon ID": "0x1", "Target Subject.Account Name": "-"},
            "Process Information.New Process Name": "C:\\a\\b.exe",
            "Process Information.Process Command Line": "b /x=y",
        }

    def test_of_sysmon(self) -> None:
        text = (
            self.HEAD
            + "User=SYSTEM\nMessage=Process Create:\nImage: C:\\a\\b.exe\nUser: X\\alice\n"
        )
        found = fields_of(text)
        assert found["Message"] == "Process Create"
        assert (found["Image"], found["User"]) == ("C:\\a\\b.exe", "X\\alice")

    def test_a_message_without_fields(self) -> None:
        assert fields_of(self.HEAD + "Message=It began.\nThen it ended.")["Message"] == (
            "It began.\nThen it ended."
        )

    @pytest.mark.parametrize("rest", ["", "Message=", "Message=\n", "Message=:"])
    def test_cut_off(self, rest: str) -> None:
        found = fields_of(self.HEAD + rest)
        assert found == {
            **{"LogName": "Security", "EventCode": "4688", "ComputerName": "pc1.example"},
            "Message": "",
        }


@pytest.mark.parametrize("text", ["", " \n\t ", "x", "Somebody logged in.", "a, b, c", "\x00"])
def test_nothing_to_read(text: str) -> None:
    assert fields_of(text) == {}


HINTS = st.sampled_from(
    [
        *("{", "[", "}", '"a":', '"', "\\", "<Event", "<Data Name='a'>", "</Data>", "<a>", "</a>"),
        *(
            "<Provider Name='",
            "CEF:0|",
            "LEEF:1.0|",
            "LEEF:2.0|",
            "|",
            "x5E",
            "a=",
            "cs1Label=",
            "cs1=",
            "\t",
            " ",
        ),
        *("LogName=a\n", "\nMessage=", "a:\n\tb: c\n"),
        *("a: b\n", "\\r\\n", "\n", "=", "&amp;", "&#x110000;", "&#55296;"),
    ]
)


@given(st.text() | st.lists(HINTS | st.text(max_size=5), max_size=30).map("".join))
@examples(500)
def test_whatever_the_text(text: str) -> None:
    found = fields_of(text)
    assert all(isinstance(name, str) for name in found)
    assert fields_of(text) == found


UNITS = {
    **{"blanks": " ", "lines": "\n", "blanks and lines": " \n", "tabs": "\t", "words": "a "},
    **{"letters": "a", "a=": "a=", "a= and blanks": "a= ", "less": "<", "greater": ">"},
    **{"quotes": '"', "apostrophes": "'", "backslashes": "\\", "bars": "|", "a:": "a: "},
    **{"braces": "{", "brackets": "[", "open texts": ' a="\\', "members": '"a":"', "colons": ":"},
    **{"tags": "<ab ", "elements": "<ab>x</ab>", "data": "<Data Name='a'", "labels": " cs1Label=a"},
    **{"providers": "<Provider Name=", "breaks": "\\r\\n", "headers": "CEF:0|", "ampersands": "&"},
}
STARTS = {
    **{"nothing": "", "JSON": "{", "XML": "<Event></", "CEF": "CEF:0|a|b|c|d|e|f|"},
    "Windows": "LogName=a\nEventCode=1\nMessage=",
    **{
        "LEEF": "LEEF:1.0|a|b|c|d|",
        "LEEF 2": "LEEF:2.0|a|b|c|d|^|",
        "pairs": "a=1 b=2 c=3 d=4 ",
        "lines": "a: b\nc: d\n",
    },
}


def _cost(text: str) -> float:
    """Seconds of processor time, the least of three tries of several readings each."""
    tries = []
    gc.disable()  # what it costs depends on all else that is held
    try:
        for _ in range(3):
            begin = time.process_time()
            for _ in range(3):
                fields_of(text)
            tries.append(time.process_time() - begin)
    finally:
        gc.enable()
    return min(tries)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("unit", UNITS)
def test_cost_grows_with_the_length_and_no_faster(unit: str, start: str) -> None:
    """Four times the text is four times the work; quadratic it would be sixteen times."""

    def text(length: int) -> str:
        # What stands at the end keeps blanks from being cut off.
        return (STARTS[start] + UNITS[unit] * length)[: length - 2] + "\n!"

    # What takes a few milliseconds is quick, and too short to be measured on a busy machine; what
    # grows with the square takes seconds at this length.
    small, large = _cost(text(MAX_TEXT // 4)), _cost(text(MAX_TEXT))
    assert large < 12 * max(small, 0.02)


def test_only_the_first_64_kb_are_read() -> None:
    assert fields_of("a=1 b=2 c=3 " + "x" * MAX_TEXT + " d=4") == {"a": "1", "b": "2", "c": "3"}
    assert fields_of("x" * MAX_TEXT + " a=1 b=2 c=3") == {}
    assert fields_of(" " * 1_000_000) == {}
