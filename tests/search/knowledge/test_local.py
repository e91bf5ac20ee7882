"""The site's own explanations."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.attack import Attack
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.columns import LOCAL
from lofp_enrich.search.knowledge.local import (
    LocalRow,
    LocalRows,
    Wildcard,
    load_local,
    local_fields,
)

TODAY = date(2026, 2, 28)
HEADER = ",".join(LOCAL) + "\n"


def csv_of(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, LOCAL, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def loaded(folder: Path, text: str | bytes, today: date = TODAY) -> LocalRows:
    path = folder / "lofp_local.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return load_local(path, today, ATTACK_TABLE)


def only(folder: Path, **cells: str) -> LocalRow:
    found = loaded(folder, csv_of({"statement": "x", **cells}))
    assert found.faults == ()
    (row,) = found.rows
    return row


ATTACK_TABLE = Attack(
    {
        **dict.fromkeys(("tactics", "parent", "status"), "x"),
        "technique": t,
        "name": name,
        "replaced_by": by,
    }
    for t, name, by in (
        ("T1089", "Disabling Security Tools", "T1562.001"),
        ("T1562.001", "Disable or Modify Tools", "T1685"),
        ("T1685", "Disable or Modify Tools", ""),
        ("T1059.001", "PowerShell", ""),
        ("T1078.004", "Cloud Accounts", ""),
        ("T1136.003", "Cloud Account", ""),
    )
)


class TestWildcard:
    @pytest.mark.parametrize(
        ("pattern", "text", "fits"),
        [
            ("abc", "ABC", True),
            ("abc", "abcd", False),
            ("*abc*", "xABCx", True),
            ("*abc*", "abc", True),
            ("a*c", "ac", True),
            ("a*c", "abcb", False),
            ("a*a", "a", False),
            ("ab*ba", "aba", False),
            ("*a*b*", "ba", False),
            ("*", "", True),
            ("", "", True),
            ("", "x", False),
            ("a?c", "abc", False),
            ("a.c", "abc", False),
            ("[a]*", "[a]b", True),
            ("C:\\*\\x.exe", "c:\\a\\b\\X.EXE", True),
            ("*stra\u00dfe", "STRASSE", True),
            ("a*\nb", "a1\nB", True),
        ],
    )
    def test_cases(self, pattern: str, text: str, fits: bool) -> None:
        assert Wildcard(pattern).fits(text) is fits

    @given(
        st.text(alphabet="ab*", max_size=8) | st.text(alphabet="a.\\*[\u0130\u00df\n", max_size=8),
        st.text(alphabet="abAB", max_size=12)
        | st.text(alphabet="a.\\[\u0130\u00dfs\n", max_size=8),
    )
    def test_as_a_regular_expression_would(self, pattern: str, text: str) -> None:
        regex = ".*".join(re.escape(part) for part in pattern.casefold().split("*"))
        expected = re.fullmatch(regex, text.casefold(), re.DOTALL) is not None
        assert Wildcard(pattern).fits(text) is expected

    def test_many_stars_take_no_time(self) -> None:
        assert not Wildcard("*a" * 50 + "b").fits("a" * 100_000)


class TestWhatFits:
    def test_a_blank_row_of_cells_fits_all(self, tmp_path: Path) -> None:
        row = only(tmp_path)
        assert row.fits((), (), {})
        assert row.fits(("T1059",), ("Rule",), {"a": ("b",)})

    @pytest.mark.parametrize("blank", ["", " ", "*", "**"])
    def test_blank_and_a_star_fit_alike(self, tmp_path: Path, blank: str) -> None:
        assert only(tmp_path, technique=blank, rule=blank).fits((), (), {})

    @pytest.mark.parametrize(
        ("cell", "techniques", "fits"),
        [
            ("T1685", ("T1685",), True),
            ("t1685 ", ("T1685",), True),
            ("T1089", ("T1685",), True),
            ("T1562.001", ("T1059", "T1685"), True),
            ("T16*", ("T1685",), True),
            ("T1059", ("T1059.001",), False),
            ("T1059*", ("T1059.001",), True),
            ("T1685", (), False),
            ("T1059/001", ("T1059.001",), True),
            ("T1059-001", ("T1059.001",), True),
            ("attack.t1059_001", ("T1059.001",), True),
            ("T1105|T1059.001", ("T1059.001",), True),
            ("T1105|T1059.001", ("T1105",), True),
            ("T1105|T1059.001", ("T1059",), False),
            ("T1105, T1059/*", ("T1059.003",), True),
            ("T1105; T1089", ("T1685",), True),
            ("T1105\nT1059.001", ("T1059.001",), True),
            ('["T1105","T1059.001"]', ("T1059.001",), True),
            ("T1105||", ("T1105",), True),
            ("T1105|", ("T1059",), False),
            ("T1105|*", (), True),
            ("PowerShell", ("T1059.001",), True),
            ("powershell ", ("T1059.001",), True),
            ("PowerShell", ("T1059",), False),
            ("PowerShell (T1059.001)", ("T1059.001",), True),
            ("disabling security tools", ("T1685",), True),
            ("PowerShell|T1105", ("T1105",), True),
            # One name and its plural are two techniques; an alert's name of them is read so, too.
            ("Cloud Accounts", ("T1078.004",), True),
            ("T9999", ("T9999",), True),
            ("AML.T0051", ("AML.T0051",), True),
            ("AML*", ("AML.T0051",), True),
            ("aml.t0051.*", ("AML.T0051.000",), True),
        ],
    )
    def test_technique(
        self, tmp_path: Path, cell: str, techniques: tuple[str, ...], fits: bool
    ) -> None:
        assert only(tmp_path, technique=cell).fits(techniques, (), {}) is fits

    @pytest.mark.parametrize(
        ("cell", "name", "fits"),
        [
            ("Shell Started", "Shell Started", True),
            ("Shell Started", "ESCU - Shell Started - Rule", True),
            ("Shell Started", "[Custom] shell-started", True),
            ("ESCU - Shell Started - Rule", "ESCU - Shell Started - Rule", True),
            ("ESCU - Shell Started - Rule", "Shell Started", True),
            ("Shell", "Shell Started", False),
            ("shell*", "Shell Started", True),
            ("shell*", "ESCU - Shell Started - Rule", True),
            ("ESCU - *", "ESCU - Shell Started - Rule", True),
            ("ESCU - *", "Threat - Shell Started - Rule", False),
            ("*started", "Shell Started", True),
            ("-", "Shell Started", False),
            ("???", "Shell Started", False),
            ("Malware - An Agent", "Ransomware - An Agent", False),
            ("Access - A Shell - Rule", "[Prod] A Shell v2", True),
            ("A Shell", "Threat - ESCU - A Shell - Rule Clone", True),
        ],
    )
    def test_rule(self, tmp_path: Path, cell: str, name: str, fits: bool) -> None:
        row = only(tmp_path, rule=cell)
        assert row.fits((), ("other", name), {}) is fits
        assert not row.fits((), (), {})

    @pytest.mark.parametrize(
        ("value", "values", "fits"),
        [
            ("svc", {"user": ("SVC",)}, True),
            ("svc", {"user": ("a", "svc")}, True),
            ("svc", {"other": ("svc",)}, False),
            ("svc", {}, False),
            ("*svc*", {"user": ("my svc 1",)}, True),
            ("*svc*", {"user": ("my",)}, False),
            ("*", {"user": ("anybody",)}, True),
            ("*", {}, False),
            ("*", {"other": ("anybody",)}, False),
        ],
    )
    def test_value_of_a_field(
        self, tmp_path: Path, value: str, values: dict[str, tuple[str, ...]], fits: bool
    ) -> None:
        assert only(tmp_path, field="user", value=value).fits((), (), values) is fits

    def test_all_cells_must_fit(self, tmp_path: Path) -> None:
        row = only(tmp_path, technique="T1*", rule="*shell*", field="user", value="a*")
        alert = (("T1059",), ("Shell",), {"user": ("ab",)})
        assert row.fits(*alert)
        assert not row.fits(("T2",), *alert[1:])
        assert not row.fits(alert[0], ("x",), alert[2])
        assert not row.fits(*alert[:2], {"user": ("b",)})

    @given(text=st.text(min_size=1, max_size=50), star=st.sampled_from(["{}", "*{}*", "{}*"]))
    def test_any_text_fits_itself(
        self, tmp_path_factory: pytest.TempPathFactory, text: str, star: str
    ) -> None:
        value = text.strip().replace("\0", "x").replace("\r", "x")
        if not value or value.startswith(tuple("'=+-@")):
            return
        folder = tmp_path_factory.getbasetemp()
        path = folder / "any.csv"
        path.write_bytes(
            csv_of({"statement": 'say "a, b"', "field": "f", "value": star.format(value)}).encode(
                "utf-8", "replace"
            )
        )
        (row,) = load_local(path, TODAY, ATTACK_TABLE).rows
        assert row.statement == 'say "a, b"'
        kept = value.encode("utf-8", "replace").decode()
        assert row.fits((), (), {"f": (kept,)})


class TestWhatIsInForce:
    @pytest.mark.parametrize(
        ("cells", "counts"),
        [
            ({"expires": "2026-02-28"}, (1, 0, 0)),
            ({"expires": "2026-02-27"}, (0, 1, 0)),
            ({"expires": "2999-01-01"}, (1, 0, 0)),
            *[({"enabled": on}, (1, 0, 0)) for on in ("", "true", "TRUE", "1", "yes", "t", "on")],
            *[({"enabled": off}, (0, 0, 1)) for off in ("false", "0", "No", "f", "off", "n")],
            ({"enabled": "0", "expires": "2026-02-27"}, (0, 0, 1)),
        ],
    )
    def test_counts(
        self, tmp_path: Path, cells: dict[str, str], counts: tuple[int, int, int]
    ) -> None:
        found = loaded(tmp_path, csv_of({"statement": "x", **cells}))
        assert (len(found.rows), found.expired, found.disabled) == counts
        assert found.faults == ()

    def test_a_row_is_in_force_until_the_end_of_its_day(self, tmp_path: Path) -> None:
        text = csv_of({"statement": "x", "expires": TODAY.isoformat()})
        assert len(loaded(tmp_path, text, TODAY).rows) == 1
        assert len(loaded(tmp_path, text, TODAY + timedelta(days=1)).rows) == 0

    def test_fields_that_are_asked_for(self, tmp_path: Path) -> None:
        text = csv_of(
            {"statement": "a", "field": "user", "value": "x"},
            {"statement": "b", "field": "user", "value": "y"},
            {"statement": "c", "field": "My Field{}", "value": "*z"},
            {"statement": "d"},
        )
        assert loaded(tmp_path, text).fields == ("user", "My Field{}")
        assert local_fields(tmp_path / "lofp_local.csv") == ("user", "My Field{}")


FAULTS = {
    "x,,,,,,,someday,": "expires: someday is no date such as 2027-01-31",
    "x,,,,,,,2026-02-30,": "expires: 2026-02-30 is no date such as 2027-01-31",
    "x,,,,,,,20260228,": "expires: 20260228 is no date such as 2027-01-31",
    "x,,,,,,,28.02.2026,": "expires: 28.02.2026 is no date such as 2027-01-31",
    "x,PowerShellx,,,,,,,": "technique: PowerShellx is none; give an ID such as T1059.001, ",
    "x,TA0002,,,,,,,": "technique: TA0002 is none; ",
    "x,Execution,,,,,,,": "technique: Execution is none; ",
    "x,T1105|Power,,,,,,,": "technique: T1105|Power is none; ",
    "x,Power*,,,,,,,": "technique: Power* is none; ",
    "x,T10590,,,,,,,": "technique: T10590 is none; ",
    "x,???,,,,,,,false": "technique: ??? is none; ",
    "x,,,,,,,,perhaps": "enabled: perhaps is neither true nor false",
    ",T1059,,,,,,,": "statement: is empty",
    "x,,,,v,,,,": "field: is empty, and value says what it should hold",
    "x,,,f,,,,,": "value: is empty, and field names what it should be the value of",
    "x,,,,,,,,,y": "more cells than columns; put quote marks around a cell with a comma",
    "x,,,,,,,,,": "more cells than columns; put quote marks around a cell with a comma",
    "one, two,T1059,,,,,,,": "more cells than columns; put quote marks around a cell with a comma",
    '"open,T1059,,,,,,,': "",
    '"a"b,T1059,,,,,,,': "",
    "x,,,mitre*,v,,,,": "field: ",
}


class TestFaultyRows:
    @pytest.mark.parametrize("line", FAULTS)
    def test_is_named_once_and_the_others_work(self, tmp_path: Path, line: str) -> None:
        found = loaded(tmp_path, f"{HEADER}before,,,,,,,,\n{line}\nafter,T1685,,,,,,,\n")
        assert [row.statement for row in found.rows] == ["before", "after"]
        (fault,) = found.faults
        assert fault.startswith(f"lofp_local.csv:3: {FAULTS[line]}")
        assert "\n" not in fault

    def test_every_one_has_its_own_line(self, tmp_path: Path) -> None:
        text = f'{HEADER}"two\nlines",,,,,,,,\nx,,,,,,,a,\n\n,,,,,,,,\nx,,,,,,,b,\n'
        found = loaded(tmp_path, text)
        assert [row.statement.split() for row in found.rows] == [["two", "lines"]]
        assert [fault.partition(": ")[0] for fault in found.faults] == [
            "lofp_local.csv:4",
            "lofp_local.csv:7",
        ]

    def test_a_long_cell_is_cut_in_the_warning(self, tmp_path: Path) -> None:
        (fault,) = loaded(tmp_path, csv_of({"statement": "x", "expires": "y" * 1000})).faults
        assert len(fault) < 200

    @given(text=st.text(alphabet='ab,"\n\r\t =*', max_size=60))
    def test_whatever_stands_before_it_a_good_row_counts(
        self, tmp_path_factory: pytest.TempPathFactory, text: str
    ) -> None:
        try:
            # An open quote may take with it what follows, up to the next quote.
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            return
        found = loaded(tmp_path_factory.getbasetemp(), f"{HEADER}{text}\ngood,T1685,,,,,,,\n")
        assert found.rows[-1].statement == "good"


class TestTheFile:
    def test_a_missing_one_is_an_empty_one(self, tmp_path: Path) -> None:
        assert load_local(tmp_path / "x.csv", TODAY, ATTACK_TABLE) == LocalRows()
        assert local_fields(tmp_path / "x.csv") == ()

    @pytest.mark.parametrize(
        "text",
        [
            HEADER,
            "",
            "statement\nx\n",
            "\ufeff" + csv_of({"statement": "x"}),
            csv_of({"statement": "x"}).replace("\n", "\r\n"),
            csv_of({"statement": "x"}).rstrip("\n"),
            "enabled,statement,technique\ntrue,x,\n",
            "Statement, Technique\nx,T1685\n",
        ],
    )
    def test_forms_that_are_understood(self, tmp_path: Path, text: str) -> None:
        if text:
            found = loaded(tmp_path, text)
            assert [row.statement for row in found.rows] in ([], ["x"])
            assert found.faults == ()

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("a,b\n1,2\n", "lofp_local.csv does not know the column a; its header is statement,"),
            ("statement,techniqe\nx,T1059\n", "techniqe"),
            ("statement;technique\nx;T1059\n", "lofp_local.csv"),
        ],
    )
    def test_other_columns_get_one_sentence(self, tmp_path: Path, text: str, part: str) -> None:
        with pytest.raises(SearchError, match=re.escape(part)):
            loaded(tmp_path, text)

    @pytest.mark.parametrize(
        ("header", "faults"),
        [
            (f"{HEADER.strip()},Ticket", ["ticket"]),
            (f"ticket,{HEADER.strip()}," + "y" * 100, ["ticket", "y" * 40]),
            (f"{HEADER.strip()},", []),
            (f"{HEADER.strip()},,", []),
        ],
    )
    def test_a_column_too_many_is_named_once_and_the_rows_work(
        self, tmp_path: Path, header: str, faults: list[str]
    ) -> None:
        names = header.lower().split(",")
        cells = {"statement": "x", "technique": "T1685", "field": "user", "value": "ada"}
        rows = [[cells.get(name, "") for name in names] for _ in range(2)]
        rows[1] = [cell or ("c" if name == "ticket" else "") for name, cell in zip(names, rows[1])]
        text = "\n".join([header, *map(",".join, rows), ""])
        found = loaded(tmp_path, text)
        assert len(found.rows) == 2
        assert not any(row.fits(("T1059",), (), {"user": ("ada",)}) for row in found.rows)
        assert list(found.faults) == [
            f"lofp_local.csv:1: the column {name} is passed over; the known ones are "
            f"{HEADER.strip()}"
            for name in faults
        ]
        assert local_fields(tmp_path / "lofp_local.csv") == ("user",)

    def test_a_cell_under_no_name_is_one_too_many(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, f"{HEADER.strip()},\nx,,,,,,,,,y\nx,,,,,,,,,\n")
        assert len(found.rows) == 1
        assert [fault.partition(";")[0] for fault in found.faults] == [
            "lofp_local.csv:2: more cells than columns"
        ]

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(SearchError, match="cannot be read"):
            load_local(tmp_path, TODAY, ATTACK_TABLE)

    def test_what_is_no_text_is_read_as_far_as_it_goes(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, HEADER.encode() + b"caf\xe9,T1685\n\0,\n")
        assert found.rows[0].statement == "caf\ufffd"

    def test_cells_are_made_safe_for_spreadsheets_and_back(self, tmp_path: Path) -> None:
        assert only(tmp_path, statement="'=1+1", field="f", value="'@x").statement == "=1+1"
