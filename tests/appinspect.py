"""Inspects an app archive with Splunk AppInspect, and holds its warnings against an allow list.

`python tests/appinspect.py APP.tar.gz`, in an environment that has AppInspect and nothing of ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

TAGS = ("cloud", "private_victoria", "future", "")
"""Splunk Cloud's vetting, its self-service installation, what will be asked next; all checks."""

ALLOWED = {
    "check_collections_conf": (
        "says that there is a collections.conf, and itself that no action is required"
    ),
    "check_for_python_script_existence": (
        "counts .py files and asks whether they run on Python 3, which the tests show"
    ),
    "check_python_sdk_version": (
        "asks for splunk-sdk 3, which needs Python 3.13; Splunk 9.4 and 10.0 run Python 3.9"
    ),
}
"""Check -> why its warning stays."""

_GOOD = frozenset({"success", "not_applicable", "skipped"})
_ENDINGS = frozenset({0, 101, 103, 104})
"""Exit codes with a report: clean, failures, warnings, future failures."""


class InspectionFailedError(Exception):
    """AppInspect ended without a report."""


def inspect(archive: Path, tag: str) -> dict[str, Any]:
    """AppInspect's report of the checks with a tag, or of all where the tag is empty.

    Raises InspectionFailedError with what AppInspect wrote where it could not inspect.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = ["splunk-appinspect", "inspect", str(archive), "--mode", "precert", "--ci"]
        command += ["--included-tags", tag] if tag else []
        command += ["--skip-trusted-libraries-update", "--max-messages", "all"]
        command += ["--data-format", "json", "--output-file", str(report)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in _ENDINGS or not report.exists():
            raise InspectionFailedError(
                f"AppInspect ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return found


def complaints(reports: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for everything to mend, in the app or in the allow list; none where all is well."""
    lines = []
    seen = set()
    for report in reports:
        if not report["summary"]["success"]:
            lines.append("AppInspect passed no check at all")
        for check in _findings(report):
            seen.add(check["name"])
            if check["result"] != "warning" or check["name"] not in ALLOWED:
                said = [
                    each["message"] for each in check["messages"] if each["result"] not in _GOOD
                ]
                lines.append(f"{check['name']}: {check['result']}: {' '.join(said)}")
    lines += [
        f"{name}: is allowed and no longer reported; take it from the list"
        for name in sorted(ALLOWED.keys() - seen)
    ]
    return list(dict.fromkeys(lines))


def _findings(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        check
        for app in report["reports"]
        for group in app["groups"]
        for check in group["checks"]
        if check["result"] not in _GOOD
    ]


def main(archive: Path) -> int:
    """Inspects with every set of checks and says what came of it; 0 where the app may go out."""
    version = metadata.version("splunk-appinspect")
    reports = []
    for tag in TAGS:
        report = inspect(archive, tag)
        counts = ", ".join(f"{count} {name}" for name, count in report["summary"].items() if count)
        print(f"AppInspect {version}, {tag or 'all checks'}: {counts}", flush=True)
        reports.append(report)
    for name, reason in ALLOWED.items():
        print(f"allowed: {name}: {reason}")
    found = complaints(reports)
    for line in found:
        print(line)
    print(f"{archive.name}: {len(found)} to mend" if found else f"{archive.name}: nothing to mend")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
