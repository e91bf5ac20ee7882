"""Conditions on an alert: three values, and no text that could stop them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.detection import (
    HOWS,
    MAX_PATTERN,
    PATHS,
    Truth,
    anchor,
    condition,
    meets,
)
from lofp_enrich.search.alert.fields import ATTRIBUTES
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.errors import SearchError
from tests.conftest import examples

CODE = "C:\\Program Files\\Microsoft VS Code\\Code.exe"


def alert(**values: str | tuple[str, ...]) -> Alert:
    each = {name: (v,) if isinstance(v, str) else v for name, v in values.items()}
    return Alert({name: v for name, v in each.items() if v}, (), (), {})


def truth(items: dict[str, Any], **values: str | tuple[str, ...]) -> Truth:
    return meets(condition(items), alert(**values)).truth


@pytest.mark.parametrize(
    ("item", "value", "value_of", "expected"),
    [
        # The whole value, in any case.
        ("user", "SYSTEM", "system", True),
        ("user", "system", "systems", False),
        ("user", "sys*", "system", True),
        ("user", "s?stem", "system", True),
        ("user", "s?stem", "sstem", False),
        ("user", "*", "anybody", True),
        ("user", "a.b", "axb", False),
        ("user", "a*b*c", "a\nb\nc", True),
        ("event_code", 4688, "4688", True),
        ("operation", ["Get", "List"], "list", True),
        ("operation", ["Get", "List"], "delete", False),
        # Parts of it.
        ("command_line|contains", " -ENC", "powershell -enc x", True),
        ("command_line|contains", [" -x", " -enc"], "powershell -enc x", True),
        ("command_line|contains", " -enc", "powershell", False),
        ("command_line|contains|all", [" -a", " -b"], "x -b -a", True),
        ("command_line|contains|all", [" -a", " -b"], "x -b", False),
        ("command_line|all|contains", [" -a", " -b"], "x -b -a", True),
        ("command_line|contains", "*", "a*b", True),
        ("command_line|contains", "*", "ab", False),
        ("command_line|startswith", "cmd ", "CMD /c", True),
        ("command_line|startswith", "cmd ", "x cmd /c", False),
        ("command_line|endswith", "/C", "cmd /c", True),
        ("command_line|endswith", "/c", "cmd /c x", False),
        ("command_line|re", "a[0-9].*b", "xA1 b", True),
        ("command_line|re", "^a", "ba", False),
        ("src_ip|cidr", "192.0.2.0/24", "192.0.2.77", True),
        ("src_ip|cidr", "192.0.2.77/24", "192.0.3.1", False),
        ("src_ip|cidr", "2001:db8::/32", "2001:db8::1", True),
        ("src_ip|cidr", "2001:db8::/32", "192.0.2.1", False),
        ("src_ip|cidr", ["192.0.2.0/24", "198.51.100.0/24"], "198.51.100.9", True),
        # A name is no address, so nothing is known of it.
        ("src_ip|cidr", "192.0.2.0/24", "cloudformation.amazonaws.com", None),
        # Paths have one form, whatever way they are written.
        ("process", CODE, "c:/program files/Microsoft VS Code/code.exe", True),
        ("process", "/usr/bin/code", "/usr/lib/../bin/code", True),
        ("process|endswith", "\\code.exe", CODE, True),
        ("process|endswith", "/code.exe", CODE, True),
        ("process|endswith", "\\code.exe", "C:\\x\\barcode.exe", False),
        ("process|contains", "\\vs code\\", CODE, False),
        ("process|contains", "\\Microsoft VS Code\\", CODE, True),
        ("process|startswith", "C:\\Program Files\\", "%ProgramFiles%\\x.exe", True),
        ("process|startswith", "C:\\Program Files\\", "C:\\Program Files\\..\\Users\\x", False),
        # Of a bare name only the name is known.
        ("process", CODE, "code.exe", None),
        ("process", CODE, "cmd.exe", False),
        ("process", "code.exe", "code.exe", True),
        ("process", "code.exe", CODE, False),
        ("process", "*\\code.exe", "code.exe", True),
        ("process", "*\\VS Code\\code.exe", "code.exe", None),
        ("process", "*\\VS Code\\code.exe", "cmd.exe", False),
        ("process|endswith", "\\code.exe", "code.exe", True),
        ("process|endswith", "\\code.exe", "cmd.exe", False),
        ("process|endswith", "\\VS Code\\code.exe", "code.exe", None),
        ("process|endswith", "\\VS Code\\code.exe", "cmd.exe", False),
        ("process|contains", "\\VS Code\\", "code.exe", None),
        ("process|startswith", "C:\\Program Files\\", "code.exe", None),
        ("process|contains|all", ["\\VS Code\\", "code"], "code.exe", None),
    ],
)
def test_how_a_value_is_compared(item: str, value: Any, value_of: str, expected: Truth) -> None:
    assert truth({item: value}, **{item.partition("|")[0]: value_of}) is expected


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("attribute", ["user", "command_line", "src_ip"])
def test_what_the_alert_does_not_say_is_unknown(attribute: str, how: str) -> None:
    key = attribute if how == "is" else f"{attribute}|{how}"
    met = meets(condition({key: "192.0.2.0/24" if how == "cidr" else "x"}), alert(host="x"))
    said = f"the alert does not say the {attribute.replace('_', ' ')}"
    assert (met.truth, met.because, met.beyond) == (None, said, False)


TRUE, FALSE, UNKNOWN = {"user": "a"}, {"host": "x"}, {"domain": "c"}


@pytest.mark.parametrize(
    ("items", "expected", "because"),
    [
        ({}, True, ""),
        (TRUE, True, "user is a"),
        ({**TRUE, **FALSE}, False, "host is b"),
        ({**TRUE, **UNKNOWN}, None, "the alert does not say the domain"),
        # What is false decides, wherever it stands.
        ({**UNKNOWN, **FALSE}, False, "host is b"),
        ({**FALSE, **UNKNOWN}, False, "host is b"),
        ({**UNKNOWN, "url": "x"}, None, "the alert does not say the domain"),
    ],
)
def test_a_map_holds_as_a_whole(items: dict[str, str], expected: Truth, because: str) -> None:
    met = meets(condition(items), alert(user="a", host="b"))
    assert (met.truth, met.because) == (expected, because)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("cmd.exe", CODE), True),
        ((CODE, "cmd.exe"), True),
        (("code.exe", "cmd.exe"), None),
        (("cmd.exe", "x.exe"), False),
    ],
)
def test_one_of_several_values_is_enough(values: tuple[str, ...], expected: Truth) -> None:
    assert truth({"process": CODE}, process=values) is expected


@pytest.mark.parametrize(
    ("items", "values", "beyond"),
    [
        ({"process|endswith": "\\code.exe"}, {"process": CODE}, True),
        ({"parent|endswith": "\\code.exe"}, {"parent": CODE}, True),
        ({"process|endswith": "\\code.exe"}, {"process": "C:\\Users\\a\\code.exe"}, False),
        ({"process|endswith": "\\code.exe"}, {"process": "code.exe"}, False),
        ({"invoked_by": "*.amazonaws.com"}, {"invoked_by": "ssm.amazonaws.com"}, True),
        # The reader leaves out signers of which the log says that they are not valid.
        ({"signer": "A"}, {"signer": "a"}, True),
        ({"object_signer": "A"}, {"object_signer": "a"}, True),
        ({"user|startswith": "eks:"}, {"user": "eks:node-manager"}, True),
        ({"user|startswith": "system:"}, {"user": "system:node:a"}, True),
        ({"src_ip|endswith": ".amazonaws.com"}, {"src_ip": "ssm.amazonaws.com"}, True),
        ({"src_ip": "192.0.2.1"}, {"src_ip": "192.0.2.1"}, False),
        # A console's user brings this about.
        ({"invoked_by": "AWS*"}, {"invoked_by": "AWS Internal"}, False),
        ({"user|startswith": "system:"}, {"user": "system:anonymous"}, False),
        ({"user|startswith": "system:"}, {"user": "system:serviceaccount:a:b"}, False),
        # A public client's id is claimed by whoever signs in.
        ({"actor_id": "1*"}, {"actor_id": "123"}, False),
        # All of these are whatever who acts makes of them.
        ({"command_line|contains": "\\program files\\"}, {"command_line": CODE}, False),
        ({"user_agent": "aws-*"}, {"user_agent": "aws-cli"}, False),
        ({"file": CODE}, {"file": CODE}, False),
        ({"registry|contains": "HKLM"}, {"registry": "HKLM\\x"}, False),
        ({"user": "SYSTEM"}, {"user": "system"}, False),
        ({"parent_command_line": "x"}, {"parent_command_line": "x"}, False),
    ],
)
def test_what_is_out_of_reach(items: dict[str, str], values: dict[str, str], beyond: bool) -> None:
    met = meets(condition(items), alert(**values))
    assert (met.truth, met.beyond) == (True, beyond)


def test_the_item_that_is_hardest_to_feign_is_named() -> None:
    items = {"command_line|contains": "x", "parent|endswith": "\\code.exe", "user": "a"}
    met = meets(condition(items), alert(command_line="x", parent=CODE, user="a"))
    assert (met.because, met.beyond) == (f"parent is {CODE}", True)


def test_a_long_value_is_cut_and_its_lines_are_one() -> None:
    met = meets(
        condition({"command_line|contains": "x"}), alert(command_line="x\r\n y" + "z" * 999)
    )
    assert met.because.startswith("command line is x yz")
    assert len(met.because) == len("command line is ") + 120
    assert met.because.endswith("...")


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ({"colour": "x"}, "colour: an alert has no attribute colour."),
        ({"": "x"}, ": an alert has no attribute ."),
        ({"Process": "x"}, "Process: an alert has no attribute Process."),
        ({"process|like": "x"}, "process|like: the modifiers are contains, "),
        ({"process|is": "x"}, "process|is: the modifiers are contains, "),
        ({"process|contains|endswith": "x"}, "process|contains|endswith: the modifiers are "),
        ({"process|": "x"}, "process|: the modifiers are contains, "),
        ({"process": ""}, "process: values have 1 to 500 characters."),
        ({"process": []}, "process: values have 1 to 500 characters."),
        ({"process": ["x", ""]}, "process: values have 1 to 500 characters."),
        ({"process": "x" * (MAX_PATTERN + 1)}, "process: values have 1 to 500 characters."),
        ({"src_ip|cidr": "lab"}, "src_ip|cidr: no network ("),
        ({"src_ip|cidr": "192.0.2.0/33"}, "src_ip|cidr: no network ("),
        ({"user|re": "[z-a]"}, "user|re: no regular expression ("),
        *[
            (
                {"user|re": text},
                "user|re: only literals, classes and .* are taken in an expression.",
            )
            for text in (
                *("(a+)+b", "(?:a|a)*", "a|b", "a{2,}", "a+", "a*", "a?", ".?"),
                *("(?=a)", "a)", "[a]*", "(?P<x>a)"),
            )
        ],
    ],
)
def test_what_is_refused(items: dict[str, Any], reason: str) -> None:
    with pytest.raises(SearchError) as error:
        condition({"user": "fine", **items})
    assert str(error.value).startswith(reason)


@pytest.mark.parametrize(
    "items",
    [
        {"user|re": ".*a.*b.*c.*d"},
        {"user|re": "[a-z].+x.*y.+z"},
        {"user": "*a" * 200},
        {"user": "a?" * 200},
        {"process": "*\\a" * 100},
        {"user|contains|all": ["a" * 400 + c for c in "bcdefgh"]},
    ],
)
def test_no_text_makes_a_condition_slow(items: dict[str, Any]) -> None:
    """Text that grows ten times may cost ten times as much a part, and here never seconds."""
    met = meets(condition(items), alert(user="a" * 20_000, process="\\a" * 20_000))
    assert met.truth in (True, False, None)


@pytest.mark.parametrize(
    ("items", "attribute", "literals"),
    [
        ({}, None, ()),
        ({"user": "a*"}, None, ()),
        ({"user|re": "abc"}, None, ()),
        ({"src_ip|cidr": "192.0.2.0/24"}, None, ()),
        ({"user": "Ada"}, "user", ("ada",)),
        ({"user|contains": ["abc", "de"]}, "user", ("abc", "de")),
        ({"user|contains|all": ["abc", "de"]}, "user", ("abc",)),
        ({"user": "ab", "host": "abc"}, "host", ("abc",)),
        ({"process|endswith": "/Code.exe"}, "process", ("\\code.exe",)),
        ({"process": "\\x"}, "process", ("x",)),
    ],
)
def test_what_must_stand_in_an_alert(
    items: dict[str, Any], attribute: str | None, literals: tuple[str, ...]
) -> None:
    found = anchor(condition(items))
    assert (found.attribute if found else None) == attribute
    assert (found.literals if found else ()) == literals


TEXT = st.text("aA\\/.*?%: x", max_size=8) | st.sampled_from(
    [CODE, "code.exe", "C:\\a\\..\\b", "192.0.2.1", "file:///C:/a", "\\\\?\\c:\\a", "ß", "İ"]
)
NAMES = st.sampled_from(sorted({*PATHS, "user", "command_line", "src_ip", "invoked_by"}))
KEYS = st.tuples(
    NAMES, st.sampled_from(["", "|contains", "|startswith", "|endswith"]), st.booleans()
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(KEYS, min_size=1, max_size=3))
    wanted = st.lists(TEXT.filter(bool), min_size=1, max_size=3)
    return {n + how + ("|all" if every else ""): draw(wanted) for n, how, every in keys}


VALUES = st.dictionaries(NAMES, st.lists(TEXT.filter(bool), min_size=1, max_size=2).map(tuple))


@examples(400)
@given(conditions(), VALUES)
def test_an_anchor_stands_in_every_alert_that_meets_the_condition(
    items: dict[str, Any], values: dict[str, tuple[str, ...]]
) -> None:
    compiled = condition(items)
    said = Alert(values, (), (), {})
    found = anchor(compiled)
    if found and meets(compiled, said).truth:
        assert found.is_in(said)


ANY_KEY = st.sampled_from(ATTRIBUTES).flatmap(
    lambda name: st.sampled_from(
        ["", *("|" + how for how in HOWS[1:]), "|all", "|contains|all"]
    ).map(lambda how: name + how)
)


@given(
    st.dictionaries(
        ANY_KEY | st.text(max_size=5), st.text(max_size=9) | st.lists(st.text()), max_size=3
    ),
    st.dictionaries(
        st.sampled_from(ATTRIBUTES), st.text(min_size=1).map(lambda t: (t,)), max_size=9
    ),
)
def test_whatever_compiles_can_be_asked_of_anything(
    items: dict[str, Any], values: dict[str, tuple[str, ...]]
) -> None:
    try:
        compiled = condition(items)
    except SearchError:
        return
    said = Alert(values, (), (), {})
    assert meets(compiled, said).truth in (True, False, None)
    found = anchor(compiled)
    assert not found or found.is_in(said) in (True, False)
