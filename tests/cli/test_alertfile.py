"""What the alerts of a file are, whatever form they are in, and that each comes out once."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.cli import alertbytes
from lofp_enrich.cli.alertbytes import text_of
from lofp_enrich.cli.alertfile import Alert, alerts_of, open_alerts
from lofp_enrich.errors import LofpError
from tests.conftest import examples, run

A: dict[str, Any] = {"technique_id": "T1059.001", "n": 1}
B: dict[str, Any] = {"technique_id": "T1003.002", "n": 2}
TABLE = "technique_id,host name\nT1059.001,a\nT1003.002,b\n"


def of(text: str | bytes, form: str | None = None, **more: Any) -> list[Alert]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(alerts_of(text_of(io.BytesIO(data), "x"), form, **more))


def read(text: str | bytes, form: str | None = None) -> list[dict[str, Any]]:
    return [alert.read for alert in of(text, form) if alert.kind != "blank"]


def line(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def pretty(*values: Any) -> str:
    return "".join(json.dumps(value, indent=2) + "\n" for value in values)


def packed(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        # Of no time: it stands in the names of tests, which every process must give alike.
        archive.writestr(zipfile.ZipInfo(name), "x")
    return data.getvalue()


HITS = [{"_index": "i", "_id": "1", "_score": 1, "_source": each} for each in (A, B)]
RESULTS = [{"preview": False, "offset": n, "result": each} for n, each in enumerate((A, B))]
JSON_FORMS = {
    "lines": line(A, B),
    "lines, blank ones between": "\n" + line(A) + "\n  \n" + line(B) + "\n",
    "array": line([A, B]),
    "array of one line each": f"[\n{json.dumps(A)},\n{json.dumps(B)}\n]\n",
    "array, laid out": pretty([A, B]),
    "objects, laid out": pretty(A, B),
    "a short one, then one laid out": line(A) + pretty(B),
    "one after another on one line": json.dumps(A) + json.dumps(B),
    "arrays one after another": pretty([A]) + pretty([B]),
    "lines with commas": json.dumps(A) + ",\n" + json.dumps(B) + ",\n",
    "after lines that are none": "# export of today\nhost, alerts\n" + line(A, B),
    "Splunk's export": line(*RESULTS),
    "Splunk's results": line({"preview": False, "messages": [], "fields": [], "results": [A, B]}),
    "Graph": pretty({"@odata.context": "x", "@odata.nextLink": "y", "value": [A, B]}),
    "Elasticsearch": pretty(
        {"took": 1, "timed_out": False, "_shards": {}, "hits": {"total": {}, "hits": HITS}}
    ),
    "Kibana": line(*HITS),
    "CloudTrail": line({"Records": [A, B]}),
    "alerts": line({"alerts": [A, B], "total": 2}),
    "data": line({"data": [A, B], "meta": {"x": 1}}),
    "resources": line({"meta": {}, "errors": [], "resources": [A, B]}),
    "result of many": line({"result": [A, B]}),
    "pages": line({"value": [A]}, {"value": [B]}),
    "an array of pages": line([{"value": [A]}, {"value": [B]}]),
    "old Mac": line(A, B).replace("\n", "\r"),
    "Windows, laid out": pretty(A, B).replace("\n", "\r\n"),
}


class TestJson:
    @pytest.mark.parametrize("form", JSON_FORMS)
    def test_the_alerts_of_any_layout(self, form: str) -> None:
        alerts = [alert for alert in of(JSON_FORMS[form]) if alert.kind == "alert"]
        assert [alert.read for alert in alerts] == [A, B]

    @pytest.mark.parametrize("form", JSON_FORMS)
    def test_each_comes_out_once(self, known_lookups: Path, form: str) -> None:
        result = run("enrich", "--lookups", known_lookups, stdin=JSON_FORMS[form])
        found = [json.loads(each) for each in result.stdout.splitlines() if each]
        assert [each["lofp_status"] for each in found if "_raw" not in each] == ["matched"] * 2
        assert result.exit_code == ("after lines" in form)

    def test_a_wrapper_of_one_goes_out_with_its_alert(self) -> None:
        assert [alert.out for alert in of(line(*RESULTS))] == RESULTS
        assert [alert.out for alert in of(line(*HITS))] == HITS

    def test_what_was_a_list_goes_out_as_its_elements(self) -> None:
        assert [alert.out for alert in of(line({"hits": {"hits": HITS}}))] == HITS
        assert [alert.out for alert in of(line({"value": [A, B]}))] == [A, B]

    @pytest.mark.parametrize(
        "alert",
        [
            {"value": [A, B], "id": 7},
            {"data": [A], "title": "x"},
            {"data": {"a": 1}},
            {"data": [1, 2]},
            {"value": "x"},
            {"result": {"a": 1}, "rule": "x"},
            {"result": "success"},
            {"hits": 3},
            {"hits": {"hits": [A], "rule": "x"}},
            {"hits": {"hits": 1}},
            {"_source": "x"},
            {"preview": False, "lastrow": True},
            {},
        ],
    )
    def test_an_alert_that_only_looks_like_a_wrapper(self, alert: dict[str, Any]) -> None:
        (found,) = of(line(alert))
        assert found.out == found.read == alert

    def test_what_was_enriched_before_is_a_wrapper_still(self, known_lookups: Path) -> None:
        first = run("enrich", "--lookups", known_lookups, stdin=line(*RESULTS)).stdout
        assert run("enrich", "--lookups", known_lookups, stdin=first).stdout == first

    @pytest.mark.parametrize("text", ["[]", "[\n]\n", '{"value": []}', '{"hits": {"hits": []}}'])
    def test_an_export_of_nothing(self, known_lookups: Path, text: str) -> None:
        result = run("enrich", "--lookups", known_lookups, stdin=text)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")

    @pytest.mark.parametrize(
        ("text", "faults"),
        [
            (line(A) + "no json\n" + line(B), ["no json"]),
            (line(A) + '{"a": "open\n' + line(B), ['{"a": "open']),
            (line(A) + '{"a": 1,\n' + line(B), ['{"a": 1,']),
            (line(A) + '{"a": 1} x\n' + line(B), ['{"a": 1} x']),
            (line(A) + "[1]\n12\n" + line(B), ["[1]", "12"]),
            (line([A, 2, "x", B]), ["2", '"x"']),
            (pretty(A) + "no json\n" + pretty(B), ["no json"]),
            (pretty(A) + "[\n1\n]\n" + pretty(B), ["[\n1\n]"]),
            # An array that was cut off costs what was cut.
            (f'[\n{json.dumps(A)},\n{json.dumps(B)},\n{{"n": 3,', ["[", '{"n": 3,']),
            ("[" * 100_000 + "\n" + line(A, B), ["[" * 100_000]),
            (pretty(A) + "[" * 100_000 + "\n" + pretty(B), ["[" * 100_000]),
        ],
    )
    def test_what_is_no_alert_costs_no_other(self, text: str, faults: list[str]) -> None:
        found = of(text)
        assert [alert.out["_raw"] for alert in found if alert.kind == "fault"] == faults
        assert [alert.read for alert in found if alert.kind == "alert"] == [A, B]

    @pytest.mark.parametrize("start", ["{\n", "[\n", '{"a":\n', "[1,\n", '{"a": 1,\n'])
    def test_values_without_an_end_are_looked_for_a_few_times_only(self, start: str) -> None:
        assert len(of(start * 20_000)) == 20_000

    def test_lines_are_read_as_they_are_asked_for(self) -> None:
        given = 0

        def endless() -> Iterator[str]:
            nonlocal given
            while True:
                given += 1
                yield line(A)

        alerts = iter(alerts_of(endless()))
        assert [next(alerts).read for _ in range(5)] == [A] * 5
        assert given == 5

    def test_with_the_form_given_each_line_is_for_itself(self) -> None:
        kinds = [alert.kind for alert in of(pretty(A) + line(B) + "x\n", "jsonl")]
        assert kinds == ["fault"] * 4 + ["alert", "fault"]

    def test_no_number_comes_out_that_json_does_not_know(self, known_lookups: Path) -> None:
        many = "9" * 5000
        text = f'{{"technique_id": "T1059", "a": [NaN, -Infinity, Infinity, 1e999], "n": {many}}}'
        result = run("enrich", "--lookups", known_lookups, stdin=text)
        assert result.exit_code == 0
        assert '"a": ["NaN", "-Infinity", "Infinity", "1e999"]' in result.stdout
        assert many in result.stdout


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            "Jan 01 10:00:00 host sudo: a\nJan 01 10:00:01 host cron, b: c, d\n",
            "<Event><System/></Event>\n<Event/>\n",
            "[2027-01-01 10:00] started, x\n[2027-01-01 10:01] ended, y\n",
            "{'technique': 'T1059'}\n{'technique': 'T1003', 'a': 1}\n",
            "T1059.001,host a\nT1003.002,host b\n",
            "one, two\nthree\n",
            "a,b\n1,2,3\n",
            "n=1, b=2\nn=2, b=3\n",
        ],
    )
    def test_each_line_is_an_alert(self, text: str) -> None:
        assert read(text) == [{"_raw": each} for each in text.splitlines()]

    def test_a_line_out_for_each(self, known_lookups: Path) -> None:
        result = run("enrich", "--lookups", known_lookups, stdin="one\n\ntwo\0\n")
        found = result.stdout.splitlines()
        assert [bool(each) for each in found] == [True, False, True]
        assert [json.loads(each)["_raw"] for each in found if each] == ["one", "two\0"]
        assert result.exit_code == 1
        assert result.stderr == (
            "lofp-enrich: none of the 2 alerts had anything that could be read: no technique, no "
            "rule; name the fields with --technique-field or look with lofp-enrich inspect.\n"
        )


class TestTables:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_any_delimiter_goes_out_as_it_came_in(
        self, known_lookups: Path, delimiter: str, end: str
    ) -> None:
        text = TABLE.replace(",", delimiter).replace("\n", end)
        assert [each["host name"] for each in read(text)] == [["a"], ["b"]]
        result = run("enrich", "--lookups", known_lookups, stdin=text)
        assert (result.exit_code, result.stderr) == (0, "")
        rows = list(csv.reader(io.StringIO(result.stdout), delimiter=delimiter))
        assert rows[0][:3] == ["technique_id", "host name", "lofp_status"]
        assert [row[1:3] for row in rows[1:]] == [["a", "matched"], ["b", "matched"]]

    def test_delimiters_inside_quotes_do_not_count(self) -> None:
        assert read('"a, b, c, d";n\n1;2\n', "csv") == [{"a, b, c, d": ["1"], "n": ["2"]}]

    @pytest.mark.parametrize(
        "header",
        [
            *("MITRE ATT&CK techniques", "Technique ID", "rule.mitre.id{}", "event_data/x"),
            *("@timestamp", "#Severity", "Anzahl der F\u00e4lle", "process:name", "Hits (24 h)"),
        ],
    )
    def test_names_pass_as_they_are(self, header: str) -> None:
        text = f"{header},n\nT1059,1\n\n"
        assert read(text)[0] == {header: ["T1059"], "n": ["1"]}

    @pytest.mark.parametrize("name", ["a.xlsx", "a.txt", "a.json", "a", "a.csv", "A.TSV"])
    def test_a_name_says_little(self, tmp_path: Path, name: str) -> None:
        for number, text in enumerate((TABLE, line(A))):
            (tmp_path / name).write_text(text)
            with open_alerts(tmp_path / name) as alerts:
                assert alerts.form == ("csv", "json")[number]
                assert len(list(alerts)) == 2 - number

    @pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
    def test_one_named_so_may_have_one_column(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("\n[technique\nT1059\n")
        with open_alerts(tmp_path / name) as alerts:
            assert [alert.read for alert in alerts] == [{"[technique": ["T1059"]}]

    def test_line_breaks_before_the_end_of_what_is_looked_at(self) -> None:
        (found,) = read('a,b\n"x\n\ny",2\n')
        assert found == {"a": ["x", "", "y"], "b": ["2"]}

    def test_two_columns_of_a_name_and_surplus_cells(self) -> None:
        (found,) = of("x,x\n1,2,3\n", "csv")
        assert (found.out, found.row) == ({"x": "1"}, ["1", "2", "3"])

    def test_our_cells_are_no_formulas_and_others_as_they_came(
        self, known_lookups: Path, tmp_path: Path
    ) -> None:
        for path in known_lookups.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        link = '=HYPERLINK(""x"")'
        (tmp_path / "lofp_local.csv").write_text(f'statement,technique\n"{link}",T1059\n')
        text = f'technique_id,note\nT1059,"{link}"\n'
        result = run("enrich", "--lookups", tmp_path, "--max", "1", stdin=text)
        _, row = csv.reader(io.StringIO(result.stdout))
        assert row[1] == '=HYPERLINK("x")'
        assert row[4] == '\'=HYPERLINK("x")'
        # What stands for nothing is no formula.
        assert row[-1] == "-"


class TestBytes:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
    @pytest.mark.parametrize("mark", [True, False])
    @pytest.mark.parametrize("text", [line(A, B), pretty([A, B]), TABLE])
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_encodings(self, encoding: str, mark: bool, text: str, pack: Any) -> None:
        if encoding == "utf-32-le" and not mark:
            return
        data = pack((("\ufeff" if mark else "") + text).encode(encoding))
        assert [each["technique_id"] for each in read(data)] == [
            each["technique_id"] for each in read(text)
        ]

    def test_a_second_mark_where_files_were_joined(self) -> None:
        data = 2 * (codecs.BOM_UTF8 + line(A).encode())
        assert read(data) == [A, A]

    def test_what_is_no_text_is_replaced(self) -> None:
        assert read(b'{"a": "\xff"}\n') == [{"a": "\ufffd"}]
        assert read(b"a,b\n1,\0\xfe\n") == [{"a": ["1"], "b": ["\ufffd\ufffd"]}]

    @pytest.mark.parametrize(
        ("data", "part"),
        [
            (packed("[Content_Types].xml"), "x is a spreadsheet; save it as CSV."),
            (packed("xl/workbook.xml"), "x is a spreadsheet; save it as CSV."),
            (packed("alerts.json"), "x is a zip archive; unpack it and name the file"),
            (codecs.decode("d0cf11e0a1b11ae1", "hex") + b"x", "x is a spreadsheet; save it"),
            (bz2.compress(b"x"), "x is packed with bzip2; unpack it first"),
            (gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "x is packed with gzip twice"),
            (gzip.compress(line(A).encode() * 99, mtime=0)[:-20], "x is a damaged gzip file ("),
            (
                gzip.compress(line(A).encode(), mtime=0)[:-8] + b"\0" * 8,
                "x is a damaged gzip file (",
            ),
            (b"\x1f\x8b", "x is a damaged gzip file ("),
            (b"\x1f\x8b\x08\x00nonsense that is long", "x is a damaged gzip file ("),
        ],
    )
    def test_what_cannot_be_read_says_what_to_do(self, data: bytes, part: str) -> None:
        with pytest.raises(LofpError) as raised:
            of(data)
        assert str(raised.value).startswith(part)

    def test_a_bomb(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(alertbytes, "MOST_UNPACKED", 2**20)
        assert len(of(gzip.compress(b"\n" * 2**20))) == 2**20
        with pytest.raises(LofpError, match="unpacks to more than 1 MiB"):
            of(gzip.compress(b"\n" * (2**20 + 1)))

    def test_on_the_command_line(self, known_lookups: Path, tmp_path: Path) -> None:
        path = tmp_path / "alerts"
        path.write_bytes(gzip.compress(line(A, B).encode() * 5000)[:-9])
        result = run("enrich", path, "--lookups", known_lookups)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"lofp-enrich: {path} is a damaged gzip file")
        assert result.stderr.count("\n") == 1
        # What came before the damage is not lost.
        assert json.loads(result.stdout.splitlines()[0])["lofp_status"] == "matched"

    def test_no_file(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "none"):
            with pytest.raises(click.UsageError, match="cannot be read"), open_alerts(path):
                pass

    def test_a_pipe_that_comes_byte_by_byte(self) -> None:
        class Slow(io.BytesIO):
            def read1(self, size: int | None = -1, /) -> bytes:
                return super().read1(1)

        for data in (line(A).encode("utf-16"), gzip.compress(line(A).encode()), line(A).encode()):
            assert [each.read for each in alerts_of(text_of(Slow(data), "x"))] == [A]


START = st.sampled_from(
    [
        *(b"", b"\x1f\x8b", b"\x1f\x8b\x08\0", gzip.compress(line(A).encode()), b"PK\x03\x04"),
        *(b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\xef\xbb\xbf{}\n"),
        *(b"{", b"[", b"[{", b"a,b\n", b'a,"'),
    ]
)
PIECES = st.binary(max_size=30) | st.sampled_from(
    [
        b'{"a": 1}',
        b'{"value": [',
        b"{\n",
        b"]",
        b"}",
        b",",
        b"\n",
        b"\r",
        b'"',
        b"\0",
        b"[1]",
        b"{}",
    ]
)


@examples(300)
@given(
    start=START,
    pieces=st.lists(PIECES, max_size=12),
    form=st.sampled_from([None, "jsonl", "csv"]),
    named=st.booleans(),
    pack=st.booleans(),
)
def test_any_bytes_are_alerts_or_one_sentence(
    start: bytes, pieces: list[bytes], form: str | None, named: bool, pack: bool
) -> None:
    data = start + b"".join(pieces)
    try:
        found = of(gzip.compress(data) if pack else data, form, named_csv=named)
    except LofpError:
        return
    for alert in found:
        assert alert.kind in ("alert", "blank", "fault")
        json.dumps(alert.out, allow_nan=False)


@pytest.mark.parametrize("alerts", [1, 20_000])
def test_a_reader_that_goes_is_no_fault_of_ours(known_lookups: Path, alerts: int) -> None:
    command = [sys.executable, "-m", "lofp_enrich", "enrich", "--lookups", str(known_lookups)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        try:
            process.stdin.write(line(A).encode() * alerts)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""
        assert process.wait(60) == 1
