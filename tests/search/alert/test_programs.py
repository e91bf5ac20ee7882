"""Programs by name, and the scripts that interpreters run."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.programs import program, script_of
from tests.conftest import examples

X = "C:\\Program Files\\X\\a b"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("C:\\Windows\\System32\\CMD.EXE", "cmd.exe"),
        ("/usr/bin/python3.11", "python"),
        ("bash", "bash"),
        ("", ""),
    ],
)
def test_program(path: str, name: str) -> None:
    assert program(path) == name


@pytest.mark.parametrize(
    ("line", "path", "alone"),
    [
        (f'cmd.exe /c "{X}.bat"', f"{X}.bat", True),
        (f'cmd /c "{X}.bat"', f"{X}.bat", True),
        (f'C:\\Windows\\system32\\cmd.exe /c ""{X}.cmd" "', f"{X}.cmd", True),
        (
            f'"C:\\Program Files\\PowerShell\\7\\pwsh.exe" -ExecutionPolicy ByPass -File "{X}.ps1"',
            *(f"{X}.ps1", True),
        ),
        (f'wscript.exe //B "{X}.vbs"', f"{X}.vbs", True),
        ("python3 -u /usr/sbin/agent -run-handlers", "/usr/sbin/agent", True),
        ("java -Xmx512m -jar /opt/x/y.jar", "/opt/x/y.jar", True),
        # Something was handed to it, or another program follows.
        (f'powershell.exe -NoProfile -File "{X}.ps1" -Url http://x', f"{X}.ps1", False),
        (f'cmd /c "{X}.bat" & evil.exe', f"{X}.bat", False),
        (f'cmd /c "{X}.bat" evil', f"{X}.bat", False),
        ("bash /opt/x/y.sh $(evil)", "/opt/x/y.sh", False),
        ("bash /opt/x/y.sh;evil", "/opt/x/y.sh", False),
    ],
)
def test_script(line: str, path: str, alone: bool) -> None:
    assert script_of(line) == (path, alone)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "cmd.exe",
        # No interpreter.
        f'notepad "{X}.bat"',
        # What runs stands before the script, or is handed to the interpreter itself.
        f'powershell -Command "evil; {X}.ps1"',
        f"powershell -enc AAAA {X}.ps1",
        "java -javaagent:/tmp/e.jar -jar /opt/x/y.jar",
        "python3 -c import /usr/x",
        "bash -c 'evil /opt/x/y.sh'",
        f"cmd /c evil.exe {X}.bat",
    ],
)
def test_no_script(line: str) -> None:
    assert script_of(line) is None


@examples(300)
@given(st.text(max_size=300) | st.text(alphabet='c:\\/ -a".ps1&', max_size=1_500))
def test_any_text(line: str) -> None:
    found = script_of(line)
    assert found is None or found.path in line


@pytest.mark.parametrize("line", ["c:\\" + " -a" * 3_000, 'c:\\ -a "' * 1_000, "a " + "/" * 9_000])
def test_no_text_is_slow(line: str) -> None:
    begun = time.process_time()
    for _ in range(20):
        script_of(line)
    assert time.process_time() - begun < 1.0
