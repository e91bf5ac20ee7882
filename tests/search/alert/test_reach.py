"""Paths in one form, and which of them an ordinary intruder cannot choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.search.alert.reach import (
    ADMINISTRATORS,
    ANYBODY,
    beyond_reach,
    folded,
    has_folder,
)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", ""),
        ("  ", ""),
        ("Cmd.EXE", "cmd.exe"),
        ("C:\\Windows\\System32\\cmd.exe", "c:\\windows\\system32\\cmd.exe"),
        ("C:/Windows//System32/./cmd.exe", "c:\\windows\\system32\\cmd.exe"),
        ("C:\\Windows\\", "c:\\windows\\"),
        (' "C:\\Program Files\\a b\\x.exe" ', "c:\\program files\\a b\\x.exe"),
        ("'/usr/bin/x'", "\\usr\\bin\\x"),
        # As drivers and the object manager write them.
        ("\\Device\\HarddiskVolume3\\Users\\a\\x.exe", "c:\\users\\a\\x.exe"),
        ("\\Device\\HarddiskVolume12\\Windows\\x.exe", "c:\\windows\\x.exe"),
        ("\\Device\\CdRom0\\x.exe", "\\device\\cdrom0\\x.exe"),
        ("\\??\\C:\\Windows\\x.exe", "c:\\windows\\x.exe"),
        ("\\\\?\\C:\\Program Files\\x.exe", "c:\\program files\\x.exe"),
        ("\\\\.\\C:\\Windows\\x.exe", "c:\\windows\\x.exe"),
        ("\\\\?\\UNC\\Files\\Share\\x.exe", "\\\\files\\share\\x.exe"),
        ("\\\\?\\GLOBALROOT\\Device\\HarddiskVolume2\\Windows\\x.exe", "c:\\windows\\x.exe"),
        ("\\SystemRoot\\System32\\drivers\\x.sys", "c:\\windows\\system32\\drivers\\x.sys"),
        ("%SystemRoot%\\system32\\x.exe", "c:\\windows\\system32\\x.exe"),
        ("%windir%/x.exe", "c:\\windows\\x.exe"),
        ("%ProgramFiles%\\A\\x.exe", "c:\\program files\\a\\x.exe"),
        ("%ProgramFiles(x86)%\\A\\x.exe", "c:\\program files (x86)\\a\\x.exe"),
        ("%system%\\x.exe", "c:\\windows\\system32\\x.exe"),
        ("%TEMP%\\x.exe", "%temp%\\x.exe"),
        # Addresses of files.
        ("file:///C:/Users/a/x.exe", "c:\\users\\a\\x.exe"),
        ("file:///C%3A/Program%20Files/x.exe", "c:\\program files\\x.exe"),
        ("file:///usr/bin/x", "\\usr\\bin\\x"),
        # What leads back up.
        ("C:\\Program Files\\..\\Users\\a\\x.exe", "c:\\users\\a\\x.exe"),
        ("C:\\Program Files\\A\\..\\..\\Users\\x.exe", "c:\\users\\x.exe"),
        ("C:\\..\\..\\Windows\\x.exe", "c:\\windows\\x.exe"),
        ("/usr/bin/../../tmp/x", "\\tmp\\x"),
        ("/../../tmp/x", "\\tmp\\x"),
        ("x/../y", "y"),
        ("..", ".."),
        # Elsewhere than on this machine's drive.
        ("\\\\Files\\C$\\Windows\\x.exe", "\\\\files\\c$\\windows\\x.exe"),
        ("D:\\Program Files\\x.exe", "d:\\program files\\x.exe"),
        ("/Volumes/Stick/Applications/x", "\\volumes\\stick\\applications\\x"),
    ],
)
def test_one_form(path: str, form: str) -> None:
    assert folded(path) == form


@pytest.mark.parametrize(
    ("path", "has_one"),
    [
        ("", False),
        ("cmd.exe", False),
        ("bin/x", False),
        ("c:x.exe", False),
        ("C:\\x.exe", True),
        ("/x", True),
        ("\\\\files\\share\\x.exe", True),
        ("\\Device\\HarddiskVolume3\\x.exe", True),
    ],
)
def test_whether_it_says_where_the_file_lies(path: str, has_one: bool) -> None:
    assert has_folder(folded(path)) is has_one


@pytest.mark.parametrize(
    "path",
    [
        "C:\\Program Files\\Microsoft VS Code\\Code.exe",
        "C:\\PROGRAM FILES (X86)\\A\\x.exe",
        "\\Device\\HarddiskVolume3\\Windows\\System32\\services.exe",
        "%SystemRoot%\\System32\\svchost.exe",
        "file:///C:/Program%20Files/A/x.exe",
        "C:\\Windows\\Temporary\\x.exe",
        "C:\\Windows\\System32\\spool\\drivers\\x64\\3\\x.dll",
        "C:\\Users\\a\\..\\..\\Windows\\x.exe",
        "C:\\ProgramData\\chocolatey\\bin\\choco.exe",
        "/usr/bin/apt",
        "/usr/lib/systemd/systemd",
        "/opt/splunk/bin/splunkd",
        "/nix/store/abc-hello/bin/hello",
        "/System/Library/CoreServices/x",
        "/usr/local/qualys/cloud-agent/bin/x",
        "/etc/init.d/x",
        "/Library/Application Support/JAMF/bin/jamf",
    ],
)
def test_out_of_reach(path: str) -> None:
    assert beyond_reach(folded(path))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "code.exe",
        "Program Files\\x.exe",
        "C:\\Program Files",
        "C:\\Program Files Extra\\x.exe",
        "C:\\Users\\Public\\x.exe",
        "C:\\ProgramData\\A\\x.exe",
        "C:\\Temp\\Program Files\\x.exe",
        "C:\\Program Files\\..\\Users\\a\\x.exe",
        "C:\\Windows\\Temp\\x.exe",
        "C:\\Windows\\Tasks\\x.exe",
        "C:\\Windows\\System32\\Tasks\\x",
        "C:\\Windows\\System32\\spool\\drivers\\color\\x.exe",
        "C:\\Windows\\System32\\..\\Temp\\x.exe",
        "\\Device\\HarddiskVolume3\\Windows\\Temp\\x.exe",
        "%SystemRoot%\\Temp\\x.exe",
        "C:\\Windows \\System32\\x.exe",
        # A stream beside a file, which whoever may write its attributes can add.
        "C:\\Windows\\System32\\a.txt:x.exe",
        "C:\\Program Files\\A:x.exe",
        # Other spellings of C:\Windows\Registration\CRMLog and C:\Windows\Temp.
        "C:\\Windows\\REGISTRA~1\\CRMLog\\x.exe",
        "C:\\Windows\\Temp.\\x.exe",
        "C:\\Windows\\Temp \\x.exe",
        # Drives and shares that anybody may have made.
        "D:\\Program Files\\A\\x.exe",
        "E:\\Windows\\System32\\cmd.exe",
        "\\\\files\\c$\\Windows\\x.exe",
        "\\\\?\\UNC\\files\\Program Files\\x.exe",
        "\\Device\\CdRom0\\Windows\\x.exe",
        "%TEMP%\\x.exe",
        "/tmp/x",
        "/home/a/usr/bin/x",
        "/usr/bin/../../tmp/x",
        "/var/tmp/x",
        "/dev/shm/x",
        "/opt/homebrew/bin/x",
        "/usr/local/Homebrew/bin/x",
        "/usr/local/bin/x",
        "/Applications/X.app/Contents/MacOS/X",
        "/Users/a/Applications/X.app/Contents/MacOS/X",
        "/Users/a/Library/LaunchAgents/x",
        "/private/tmp/Applications/x",
        "/Volumes/X/Applications/x",
        "/Library/Caches/x",
    ],
)
def test_within_reach(path: str) -> None:
    assert not beyond_reach(folded(path))


@pytest.mark.parametrize(
    "path", ["C:\\Windows\\" + "a\\" * 3_000 + "x.exe", "/usr/" + "../" * 9_999]
)
def test_of_a_long_path_the_beginning_counts(path: str) -> None:
    assert len(folded(path)) <= 1_001


def test_each_folder_is_in_the_form_that_paths_have() -> None:
    for folder, why in (*ADMINISTRATORS, *ANYBODY):
        assert folded(folder) == folder
        assert folder.endswith("\\")
        assert why
    for folder, _ in ANYBODY:
        assert folder.startswith(tuple(each for each, _ in ADMINISTRATORS)), folder


PART = st.sampled_from(
    ["c:", "..", ".", "", "windows", "temp", "usr", "program files", "~1", ":", "\\\\?\\", "x.exe"]
)


@given(st.lists(PART | st.text(max_size=5), max_size=8).map("\\".join) | st.text(max_size=40))
def test_any_text_has_a_form_which_does_not_change_again(path: str) -> None:
    form = folded(path)
    assert "/" not in form
    if has_folder(form):
        assert ".." not in form.split("\\")
    beyond_reach(form)
