"""Our own format: YAML and CSV -> rules; everything the schema finds, with its line."""

from __future__ import annotations

import hashlib

import jsonschema
import pytest

from lofp_enrich.model import Conditions, FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import entries

FULL = """\
# our own
- statement: The label printer's setup starts  rundll32.exe.
  techniques: [T1218.011, AML.T0051]
  products: [windows, m365]
  check: The parent is signed.
  terms: [rundll32.exe, Label Printer]
  author: A. Author
  license: CC-BY-4.0
  url: https://wiki.example.com/a
"""
RULE = Rule(
    source="entries",
    id=hashlib.sha256(b"the label printer's setup starts rundll32.exe.").hexdigest()[:12],
    title="Windows execution",
    location=Location("a/windows-execution.yaml", 2),
    techniques=("T1218.011", "AML.T0051"),
    falsepositives=(
        FalsePositive(
            "The label printer's setup starts rundll32.exe.", check="The parent is signed."
        ),
    ),
    logsource=LogSource(product="windows|m365"),
    author="A. Author",
    license="CC-BY-4.0",
    url="https://wiki.example.com/a",
    terms=("rundll32.exe", "Label Printer"),
)


def test_yaml() -> None:
    assert list(entries.parse(FULL, "a/windows-execution.yaml")) == [RULE]


def test_csv() -> None:
    text = (
        "statement,techniques,products,check,terms,author,license,url\n"
        "The label printer's setup starts  rundll32.exe.,T1218.011 | AML.T0051|,windows|m365,"
        "The parent is signed.,rundll32.exe|Label Printer,A. Author,CC-BY-4.0,"
        "https://wiki.example.com/a\n"
    )
    assert list(entries.parse(text, "a/windows-execution.yaml.csv")) != []
    (found,) = entries.parse(text, "a/windows-execution.CSV")
    assert isinstance(found, Rule)
    assert found.location == Location("a/windows-execution.CSV", 2)
    assert found.falsepositives == RULE.falsepositives
    assert (found.id, found.title, found.terms) == (RULE.id, RULE.title, RULE.terms)
    assert (found.techniques, found.logsource) == (RULE.techniques, RULE.logsource)


CONDITIONS = """\
- statement: The label printer's setup starts rundll32.exe.
  techniques: [T1218.011]
  software: [label-printer]
  role: parent
  fits: {command_line|contains: [spool, 7]}
  contradicts: {dest_ip|cidr: 192.0.2.0/24}
  against: A call of a library that the printer has not brought.
  examples:
    fits: [{Image: x}]
  seen: [a vendor's page]
  checked: '2026-12'
"""


@pytest.mark.parametrize(
    ("contradicts", "stored"),
    [
        ("{dest_ip|cidr: 192.0.2.0/24}", '[{"dest_ip|cidr": "192.0.2.0/24"}]'),
        ("[{user: a}, {host: b, user: é}]", '[{"user": "a"}, {"host": "b", "user": "é"}]'),
    ],
)
def test_conditions_are_kept_as_the_command_reads_them(contradicts: str, stored: str) -> None:
    text = CONDITIONS.replace("{dest_ip|cidr: 192.0.2.0/24}", contradicts)
    (found,) = entries.parse(text, "x.yaml")
    assert isinstance(found, Rule)
    (said,) = found.falsepositives
    assert said.against == "A call of a library that the printer has not brought."
    assert said.conditions == Conditions(
        ("label-printer",), "parent", '{"command_line|contains": ["spool", "7"]}', stored
    )


def test_an_entry_without_conditions_has_none() -> None:
    text = FULL + "  against: A.\n  seen: [x]\n  checked: '2026-01'\n"
    (found,) = entries.parse(text, "x.yaml")
    assert isinstance(found, Rule)
    assert found.falsepositives[0].conditions is None


def test_software_in_csv() -> None:
    text = "statement,techniques,software,role,against\nS,T1001,a|b,parent,X\n"
    (found,) = entries.parse(text, "x.csv")
    assert isinstance(found, Rule)
    assert found.falsepositives[0].conditions == Conditions(("a", "b"), "parent", "", "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("role: parent", "role: sender", "4: role: expected process, parent, registered or caller"),
        ("[label-printer]", "[Label Printer]", "3: software: expected a key of the known software"),
        ("[label-printer]", "[]", "3: software: expected a list of keys of the known software"),
        ("{command_line|contains: [spool, 7]}", "{}", "5: fits: expected a mapping of attribute"),
        ("{command_line|contains: [spool, 7]}", "[a]", "5: fits: expected a mapping of attribute"),
        ("[spool, 7]", "[[a]]", "5: fits: expected a mapping of attribute"),
        ("command_line|contains", "colour", "5: fits: colour: an alert has no attribute colour."),
        ("|contains", "|like", "5: fits: command_line|like: the modifiers are contains, "),
        ("|contains: [spool, 7]", "|re: (a+)+b", "5: fits: command_line|re: only literals, "),
        ("192.0.2.0/24", "of the lab", "6: contradicts: dest_ip|cidr: no network ("),
        ("{dest_ip|cidr: 192.0.2.0/24}", "[]", "6: contradicts: expected a mapping as under fits"),
        ("fits: [{Image: x}]", "open: [{Image: x}]", "8: examples: expected a mapping of fits, "),
        ("[a vendor's page]", "[]", "10: seen: expected a list of places"),
        ("'2026-12'", "2026-12-01", "11: checked: expected a month such as 2026-12"),
        ("'2026-12'", "'2026-13'", "11: checked: expected a month such as 2026-12"),
    ],
)
def test_every_fault_of_conditions_is_told(old: str, new: str, message: str) -> None:
    assert CONDITIONS.count(old) == 1
    found = list(entries.parse(CONDITIONS.replace(old, new), "x.yaml"))
    assert [str(error)[: len(message) + 7] for error in found] == [f"x.yaml:{message}"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("windows-execution.yaml", "Windows execution"),
        ("aws.yaml", "AWS"),
        ("okta-sso.yml", "Okta SSO"),
        ("macos_tools.csv", "macOS tools"),
        ("m365.yaml", "Microsoft 365"),
        ("a.b.yaml", "A.b"),
    ],
)
def test_titles(name: str, title: str) -> None:
    text = "statement,techniques\nS,T1001\n" if name.endswith("csv") else FULL
    (found,) = entries.parse(text, name)
    assert isinstance(found, Rule)
    assert found.title == title


def test_empty_files_and_keys_without_a_value_are_fine() -> None:
    assert list(entries.parse("", "x.yaml")) == []
    assert list(entries.parse("# nothing yet\n", "x.yaml")) == []
    assert list(entries.parse("statement,techniques\n\n,\n", "x.csv")) == []
    (found,) = entries.parse("- {statement: S, techniques: [T1001], check: , author: }", "x.yaml")
    assert isinstance(found, Rule)


ID = "expected an ATT&CK ID such as T1059.001, or an ATLAS one such as AML.T0051"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("- techniques: [T1001]", ["1: statement: missing"]),
        ("- statement: S", ["1: techniques: missing"]),
        ("- {}", ["1: statement: missing", "1: techniques: missing"]),
        ("- statement: S\n  techniques:\n", ["1: techniques: missing"]),
        (
            "- statement: S\n  techniques: []",
            ["2: techniques: expected a list of at least one ATT&CK ID"],
        ),
        (
            "- statement: S\n  techniques: T1001",
            ["2: techniques: expected a list of at least one ATT&CK ID"],
        ),
        (
            "- statement: S\n  techniques:\n  - T1001\n  - T12\n  - t1003\n  color: red\n",
            [
                f"4: techniques: {ID}",
                f"5: techniques: {ID}",
                "6: color: no such key; the keys are statement, techniques, products, check, "
                "against, software, role, fits, contradicts, examples, seen, checked, terms, "
                "author, license, url",
            ],
        ),
        (
            "- statement: S\n  techniques: [T1001]\n  products: [Windows]",
            [
                "3: products: expected a product in lower case, such as windows, aws or "
                "google_workspace"
            ],
        ),
        (
            "- statement: S\n  techniques: [T1001]\n  url: ftp://a",
            ["3: url: expected an address that begins with https://"],
        ),
        (
            "- statement: [S]\n  techniques: [T1001]",
            [
                "1: statement: expected a sentence of at most 1,000 characters that names the "
                "harmless cause"
            ],
        ),
        ("- just text", ["1: expected a mapping with the keys of an entry"]),
        ("statement: S", ["1: expected a list of entries, each with a dash"]),
        ("- !bad x", ["1: not plain YAML: the tag !bad is not plain data"]),
        ("- a: b: c", ["1: not YAML: mapping values are not allowed in this context"]),
    ],
)
def test_every_fault_is_told(text: str, messages: list[str]) -> None:
    assert [str(error) for error in entries.parse(text, "x.yaml")] == [
        f"x.yaml:{message}" for message in messages
    ]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("statement,techniques\nS,\n", ["2: techniques: missing"]),
        ('statement,techniques\n"S\nT",T1001\nU,T12\n', [f"4: techniques: {ID}"]),
        ("statement,techniques\nS,T1001,x\n", ["2: 3 cells for 2 columns"]),
        ("S,T1001\n", ["1: statement: the first line must name the columns"]),
        ("statement;techniques\n", ["1: statement: the first line must name the columns"]),
        ("", []),
        ('statement,techniques\n"S,T1001\n', ["2: not CSV: unexpected end of data"]),
    ],
)
def test_every_fault_of_csv_is_told(text: str, messages: list[str]) -> None:
    errors = [error for error in entries.parse(text, "x.csv") if not isinstance(error, Rule)]
    assert [str(error) for error in errors] == [f"x.csv:{message}" for message in messages]


def test_a_column_that_no_entry_has_is_told_on_each_line_that_uses_it() -> None:
    errors = [
        str(error)
        for error in entries.parse("statement,techniques,tag\nS,T1001,x\nT,T1001,\n", "x.csv")
    ]
    assert errors[0].startswith("x.csv:2: tag: no such key")
    assert len(errors) == 2


def test_good_entries_of_a_faulty_file_come() -> None:
    found = list(entries.parse("- statement: S\n" + FULL, "x.yaml"))
    assert [isinstance(each, Rule) for each in found] == [False, True]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(entries.schema())
