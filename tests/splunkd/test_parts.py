"""The parts that are easier to test alone: SPL, configuration, interpreters, cells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import FakeSplunkd, ProtocolError, pythons
from .apps import find_commands, read_conf
from .command_line import find_command
from .daemon import _sizes
from .protocol import decode_multivalue, decode_table, encode_multivalue


@pytest.mark.parametrize(
    ("search", "args", "raw_args"),
    [
        ("| tiny", [], []),
        ("tiny a", ["a"], ["a"]),
        ("search x=1 | tiny max=5 | tiny other", ["max=5"], ["max=5"]),
        ('| tiny f="a b{}"', ["f=a b{}"], ['f="a b{}"']),
        ('| tiny f="a|b" | x', ["f=a|b"], ['f="a|b"']),
        (r'| tiny f="a\"b\d"', [r'f=a"b\d'], [r'f="a\"b\d"']),
        ('search "| tiny no" | tiny yes', ["yes"], ["yes"]),
        ("| tiny a, b,c", ["a", "b", "c"], ["a", "b", "c"]),
        ('| tiny f="a,b"', ["f=a,b"], ['f="a,b"']),
        ('| tiny f=""', ["f="], ['f=""']),
    ],
)
def test_find_command(search: str, args: list[str], raw_args: list[str]) -> None:
    line = find_command(search, {"tiny"})
    assert (line.name, line.args, line.raw_args) == ("tiny", args, raw_args)


@pytest.mark.parametrize(
    ("search", "message"), [("| other", "no command"), ('| tiny "x', "unbalanced quotes")]
)
def test_find_no_command(search: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_command(search, {"tiny"})


def test_read_conf(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("# c\n[default]\na = 1\n[s]\nb = x = y\n  c=two \\\nlines\n[s]\nd = %\n")
    assert read_conf(path) == {"s": {"a": "1", "b": "x = y", "c": "two  lines", "d": "%"}}
    assert read_conf(tmp_path / "absent.conf") == {}


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ("[tiny]\nfilename = tiny.py\n", "not chunked"),
        ("[tiny]\nchunked = false\nfilename = tiny.py\n", "not chunked"),
        ("[tiny]\nchunked = true\nfilename = other.py\n", "has no script"),
        ("[tiny]\nchunked = true\n", "has no script"),
    ],
)
def test_unusable_commands(tmp_path: Path, conf: str, message: str) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tiny.py").touch()
    (tmp_path / "default" / "commands.conf").write_text(conf)
    with pytest.raises(ValueError, match=message):
        find_commands(tmp_path)


def test_app_must_be_installed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not <SPLUNK_HOME>/etc/apps/<name>"):
        FakeSplunkd(tmp_path / "apps" / "x", "python", work_dir=tmp_path)


def test_impossible_chunks() -> None:
    with pytest.raises(ValueError, match="more than 2 events"):
        _sizes(2, [1, 2], 50000, False)


@pytest.mark.parametrize(
    ("values", "cell"),
    [
        (["a", "b"], "$a$;$b$"),
        (["", ""], "$$;$$"),
        (["$", "$$;$"], "$$$$;$$$$$;$$$"),
        (["a;b", "c\nd"], "$a;b$;$c\nd$"),
    ],
)
def test_multivalue(values: list[str], cell: str) -> None:
    assert encode_multivalue(values) == cell
    assert decode_multivalue(cell) == values


@pytest.mark.parametrize(
    "cell", ["a", "$a", "$a$b$", "$a$;", "$a$;b", "$a$$b$;$", "$a$,$b$", " $a$"]
)
def test_malformed_multivalue(cell: str) -> None:
    with pytest.raises(ProtocolError, match="malformed multivalue"):
        decode_multivalue(cell)


def test_decode_both_layouts() -> None:
    wanted = [{"a": ["1", "2"], "b": 'x "y"\nz'}, {"b": "ü"}]
    sdk = 'a,__mv_a,b,__mv_b\r\n"1\n2",$1$;$2$,"x ""y""\nz",\r\n,,ü,\r\n'
    own = 'a,b,"__mv_a","__mv_b"\n"1\n2","x ""y""\nz","$1$;$2$",\n,"ü",,\n'
    assert decode_table(sdk.encode("utf-8")).events == wanted
    assert decode_table(own.encode("utf-8")).events == wanted
    assert decode_table(b"") == decode_table(b"").__class__([], [])


def test_running_interpreter_has_no_packages_of_the_checkout() -> None:
    interpreter = pythons.running()
    assert interpreter.path is not None
    # By its own means only: a variable would put the packages back.
    environment = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    told = subprocess.run(
        [str(interpreter.path), "-c", "import sys; print(*sys.version_info[:2]); print(sys.path)"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=Path(sys.base_prefix),
    ).stdout
    assert told.startswith("{} {}\n".format(*sys.version_info[:2]))
    assert str(Path(__file__).parents[2]) + os.sep not in told


def test_named_interpreter_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOFP_PYTHON21", sys.executable)
    assert pythons.find("2.1").path is None
    assert "no Python 2.1" in pythons.find("2.1").absence
    version = pythons.running().version
    monkeypatch.setenv("LOFP_PYTHON" + version.replace(".", ""), sys.executable)
    assert pythons.find(version) == pythons.running()


def test_absent_interpreter_skips_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOFP_REQUIRE_PYTHONS", raising=False)
    absent = pythons.Interpreter("2.1", None, "no Python 2.1")
    (mark,) = pythons._param(absent).marks
    assert mark.name == "skip"
    monkeypatch.setenv("LOFP_REQUIRE_PYTHONS", "1")
    assert not pythons._param(absent).marks
