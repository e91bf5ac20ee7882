"""LOLRMM: text of a tool file -> the tool; bad text -> the exact message with its line."""

from __future__ import annotations

import pytest

from lofp_enrich.errors import RuleError
from lofp_enrich.model import LogSource, Product, Rule
from lofp_enrich.sources import lolrmm, read
from tests.sources.test_read import DATA


def tool(text: str, path: str = "yaml/x.yaml") -> Rule:
    (found,) = lolrmm.parse(text, path)
    assert isinstance(found, Rule)
    return found


def product(*parts: str) -> Product:
    """What is known of a tool whose file has these lines in `Details` and `Artifacts`."""
    found = tool("Name: N\nDetails:\n" + "".join(parts)).product
    assert found
    return found


def details(*lines: str) -> str:
    return "".join(f"  {line}\n" for line in lines)


def artifacts(*lines: str) -> str:
    return "Artifacts:\n" + details(*lines)


def test_everything_of_a_tool() -> None:
    found = next(r for r in read("lolrmm", DATA / "lolrmm").rules if r.id == "parcel_desk")
    (statement,) = found.falsepositives
    assert statement.text == (
        "The site's support staff or its service provider work on its computers with ParcelDesk,"
        " a tool for remote access or management."
    )
    assert "ParcelDesk" in statement.check
    assert "ParcelDesk" in statement.against
    assert (found.title, found.author, found.license) == ("ParcelDesk", "A. Tester", "")
    assert found.techniques == ("T1219",)
    assert found.logsource == LogSource(product="windows|macos")
    assert found.description == ""
    assert found.is_entry
    assert found.product == Product(
        name="ParcelDesk",
        page="magicsword-io/LOLRMM yaml/parcel_desk.yaml",
        checked="2026-03",
        site="www.parceldesk.example.com",
        programs=(
            ("ParcelDeskAgent.exe", ""),
            ("ParcelDeskAgent.exe", "C:\\Program Files\\ParcelDesk\\"),
        ),
        folders=("C:\\Program Files\\ParcelDesk\\", "/Applications/ParcelDesk.app/"),
        signers=("ParcelDesk Software GmbH",),
        services=("ParcelDesk Agent",),
        hosts=("parceldesk.example.com",),
        # `*\ParcelDesk\*` has no root, and the last is the host that stands for nothing.
        left_out=("placeholder",),
    )


def test_placeholders_of_a_tool_say_nothing() -> None:
    found = next(r for r in read("lolrmm", DATA / "lolrmm").rules if r.id == "lantern_view")
    assert found.author == "B. Reviewer"
    assert found.logsource == LogSource()
    assert found.product == Product(
        name="Lantern View (formerly Candlecast)",
        page="magicsword-io/LOLRMM yaml/lantern_view.yml",
        aliases=("Candlecast",),
        programs=(("lanternview.exe", ""),),
    )


@pytest.mark.parametrize(
    ("path", "folders", "programs", "left_out"),
    [
        (r"C:\Program Files\Own\*", [r"C:\Program Files\Own" "\\"], [], []),
        (r"C:\Program Files\Own", [r"C:\Program Files\Own" "\\"], [], []),
        (r"C:\\Program Files\\Own\\", [r"C:\Program Files\Own" "\\"], [], []),
        (r"C:\Program Files\Own\*\*", [r"C:\Program Files\Own" "\\"], [], []),
        ("%ProgramData%\\Own\\", ["C:\\ProgramData\\Own\\"], [], []),
        (r"%LOCALAPPDATA%\Own\*", [r"C:\Users\*\AppData\Local\Own" "\\"], [], []),
        (r"C:\Users\USERNAME\Own\*", [r"C:\Users\*\Own" "\\"], [], []),
        (r"C:\Users\<username>\Own\*", [r"C:\Users\*\Own" "\\"], [], []),
        (r"C:\ProgramData\Own (<id>)\*", [r"C:\ProgramData\Own (*)" "\\"], [], []),
        (
            r"C:\Program Files*\Own\*",
            [r"C:\Program Files\Own" "\\", r"C:\Program Files (x86)\Own" "\\"],
            [],
            [],
        ),
        ("C:\\Own\\own.exe", ["C:\\Own\\"], [("own.exe", "C:\\Own\\")], []),
        ("C:\\Own\\own*.exe", ["C:\\Own\\"], [], ["wildcard"]),
        ("C:\\Own\\own.msi", [], [], []),
        ("own.exe", [], [("own.exe", "")], []),
        ("*\\Own\\own.exe", [], [("own.exe", "")], []),
        ("*\\Own\\*", [], [], []),
        ("own-[a-z]{3}.exe", [], [], ["placeholder"]),
        ("%BIN%\\Own\\own.exe", [], [("own.exe", "")], []),
        ("D:\\Own\\*", [], [], []),
        ("needs a login", [], [], ["no program"]),
        ("N/A", [], [], ["placeholder"]),
        ("/opt/own/*", ["/opt/own/"], [], []),
        ("/Applications/Own.app", ["/Applications/Own.app/"], [], []),
        ("/usr/local/bin/own", [], [("own", "/usr/local/bin/")], []),
        ("/etc/systemd/system/own.service", [], [], []),
        ("x" * 301, [], [], ["too long"]),
    ],
)
def test_paths(
    path: str, folders: list[str], programs: list[tuple[str, str]], left_out: list[str]
) -> None:
    found = product(details("InstallationPaths:", f"- '{path}'"))
    assert (list(found.folders), list(found.programs)) == (folders, programs)
    assert list(found.left_out) == left_out


def test_a_file_tells_a_folder_where_it_is_a_program() -> None:
    disk = [
        "Disk:",
        "- File: C:\\Own\\own.log",
        "- File: C:\\Other\\own.exe",
        "- File: /usr/bin/own",
    ]
    found = product(artifacts(*disk))
    assert found.folders == ("C:\\Other\\",)
    assert found.programs == (("own.exe", "C:\\Other\\"), ("own", "/usr/bin/"))
    assert found.files == ("/usr/bin/own",)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("*.own.example", "own.example"),
        ("https://Own.example:443/x?y", "own.example"),
        ("relay*.own.example", ""),
        ("<your host>", ""),
        ("192.0.2.7", ""),
        ("own", ""),
        ("own.example.", "own.example"),
    ],
)
def test_hosts(host: str, expected: str) -> None:
    found = product(artifacts("Network:", f"- Domains: ['{host}']"))
    assert found.hosts == ((expected,) if expected else ())
    assert found.left_out == (() if expected else ("no host",))


def test_services_stand_in_the_log_and_in_the_registry() -> None:
    lines = [
        "EventLog: [{ServiceName: One}, {ServiceName: 'X_*'}, {EventID: 1}]",
        "Registry: [{Path: 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Two'}, {Path: 'HKLM\\X'}]",
    ]
    found = product(artifacts(*lines))
    assert (found.services, found.left_out) == (("One", "Two"), ("placeholder",))


@pytest.mark.parametrize(
    ("lines", "left_out"),
    [
        ("InstallationPaths: {a: b}", ["no text"]),
        ("InstallationPaths: [[a], {b: c}, null]", ["no text", "no text"]),
        ("PEMetadata: text", ["no text"]),
        ("PEMetadata: [{Filename: {a: b}}, [x]]", ["no text", "no text"]),
        (f"InstallationPaths: [{', '.join(['own.exe'] * 403)}]", ["too many"] * 3),
    ],
)
def test_wrong_types_cost_themselves(lines: str, left_out: list[str]) -> None:
    assert list(product(details(lines)).left_out) == left_out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Details: {}\n", "x.yaml:1: Name: missing"),
        ("Details: {}\nName: [a]\n", "x.yaml:2: Name: expected text, found a list"),
        ("Name: N\nDetails: []\n", "x.yaml:2: Details: expected a mapping, found a list"),
        ("Name: N\nArtifacts: a\n", "x.yaml:2: Artifacts: expected a mapping, found text"),
        (
            "Name: 'N <b>'\nDetails: {}\n",
            "x.yaml:1: Name: expected a name of at most 80 letters",
        ),
        (
            f"Name: {'n' * 81}\nDetails: {{}}\n",
            "x.yaml:1: Name: expected a name of at most 80 letters",
        ),
        (
            "Name: !!python/object:a.b {}\nDetails: {}\n",
            "x.yaml:1: not plain YAML: the tag tag:yaml.org,2002:python/object:a.b is not plain"
            " data",
        ),
    ],
)
def test_faults(text: str, message: str) -> None:
    (found,) = lolrmm.parse(text, "x.yaml")
    assert isinstance(found, RuleError)
    assert str(found) == message


@pytest.mark.parametrize("text", ["", "title: T\ndetection: {}\n", "- Details\n", "Name: N\n"])
def test_other_files_are_no_tools(text: str) -> None:
    assert list(lolrmm.parse(text, "x.yaml")) == []


def test_malware_has_no_harmless_cause() -> None:
    found = tool("Name: Remcos\nDetails: {}\n")
    assert (found.falsepositives, found.product) == ((), None)


def test_techniques_that_a_file_names() -> None:
    assert tool("Name: N\nDetails: {}\nTechniques: [T1219.002]\n").techniques == ("T1219.002",)
    assert tool("Name: N\nDetails: {}\nDescription: T1021\n").techniques == ("T1219",)
