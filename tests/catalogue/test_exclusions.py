"""What rules leave out by name, as explanations of other rules' alerts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lofp_enrich.catalogue import exclusions
from lofp_enrich.model import Exclusion, LogSource, Rule
from lofp_enrich.search.answer.evidence import RESEMBLES
from tests.conftest import reading
from tests.search.conftest import rule

HOME = "C:\\Program Files\\Gizmo\\"
WINDOWS = LogSource("process_creation", "windows")


def left_out(name: str, items: dict[str, Any], logsource: LogSource = WINDOWS) -> Any:
    said = Exclusion(name, json.dumps(items) if items else "")
    found = exclusions.statements(Rule("sigma", "i", "T", rule("x").location, exclusions=(said,),
                                       logsource=logsource))  # fmt: skip
    return found[0] if found else None


class TestWords:
    @pytest.mark.parametrize(
        ("name", "items", "statement"),
        [
            (
                *("gizmo_2", {"Image|endswith": "\\Gizmo\\gizmo.exe"}),
                "Gizmo: detection rules leave it out where the process ends with"
                " \\Gizmo\\gizmo.exe.",
            ),
            # One that is known here has our name for it.
            (
                *("dropbox", {"Image": "C:\\Program Files\\Dropbox\\Dropbox.exe"}),
                "Dropbox: detection rules leave it out where the process is"
                " C:\\Program Files\\Dropbox\\Dropbox.exe.",
            ),
            # ... which its program tells where the filter does not.
            (
                *("backup", {"Image|endswith": "\\Dropbox.exe", "CommandLine|contains": "/x"}),
                "Dropbox: detection rules leave it out where the process ends with \\Dropbox.exe"
                " and the command line contains /x.",
            ),
            (
                *("gizmo", {"CommandLine|contains|all": ["gizmo", "b"], "Image": ["x", "y", "z"]}),
                "Gizmo: detection rules leave it out where the command line contains gizmo and b"
                " and the process is x or y or 1 more.",
            ),
        ],
    )
    def test_statement(self, name: str, items: dict[str, Any], statement: str) -> None:
        assert left_out(name, items).text == statement

    def test_a_long_one_is_cut_between_words(self) -> None:
        text = left_out("gizmo", {"Image": "gizmo " + "long " * 80}).text
        assert len(text) < 320
        assert text.endswith("long and so on.")

    def test_what_to_look_at(self) -> None:
        known = left_out("dropbox", {"Image": "C:\\Program Files\\Dropbox\\Dropbox.exe"})
        assert known.check.startswith("In Dropbox: ")


@pytest.mark.parametrize(
    ("name", "items"),
    [
        # No software.
        ("null", {"Image": None}),
        ("programfiles", {"Image|startswith": "C:\\Program Files\\"}),
        ("generic_1", {"Image|endswith": "\\generic.exe"}),
        ("known_good", {"TargetFilename": "/var/log/x"}),
        # Part of a longer word is no name.
        ("vcred", {"Image|endswith": "\\vcredist.exe"}),
        # What an alert has no attribute for: the rest would say more than the rule does.
        ("gizmo", {"Image|endswith": "\\gizmo.exe", "GrantedAccess": "0x1"}),
        ("gizmo", {"Image": "\\gizmo.exe", "ProcessName": "gizmo"}),
        ("gizmo", {"Image|base64": "gizmo"}),
        ("gizmo", {"Image|re": "(gizmo)+x"}),
        ("gizmo", {"Image": {"gizmo": "x"}, "CommandLine": ""}),
        ("gizmo", {}),
    ],
)
def test_what_is_not_taken(name: str, items: dict[str, Any]) -> None:
    assert left_out(name, items) is None


@pytest.mark.parametrize(
    ("name", "items", "logsource", "at_most"),
    [
        ("gizmo", {"Image|endswith": "\\gizmo.exe"}, WINDOWS, ""),
        # A parent of which nobody knows what it can be made to start.
        ("gizmo", {"ParentImage|endswith": "\\gizmo.exe"}, WINDOWS, RESEMBLES),
        ("gizmo", {"ParentImage": "\\gizmo.exe", "Image": "\\x.exe"}, WINDOWS, ""),
        ("gizmo", {"ParentImage": "\\gizmo.exe", "Image": "\\cmd.exe"}, WINDOWS, RESEMBLES),
        ("gizmo", {"ParentImage": "\\gizmo.exe", "CommandLine|contains": "a.ps1"}, WINDOWS, ""),
        # A command line that is but the shell's name.
        (
            "gizmo",
            {
                **{"ParentImage": "\\gizmo.exe", "Image": "\\cmd.exe"},
                "CommandLine|startswith": '"C:\\Windows\\System32\\cmd.exe"',
            },
            *(WINDOWS, RESEMBLES),
        ),
        # A browser goes wherever somebody sends it; else it does as others do.
        ("brave", {"Image|endswith": "\\brave.exe"}, LogSource("dns_query"), RESEMBLES),
        ("brave", {"Image|endswith": "\\brave.exe"}, LogSource("file_event"), ""),
        ("brave", {"ParentImage|endswith": "\\brave.exe"}, WINDOWS, RESEMBLES),
        # What intruders bring along, and what does what it is told.
        ("teamviewer", {"Image|endswith": "\\TeamViewer.exe"}, WINDOWS, RESEMBLES),
        ("gizmo", {"Image|endswith": ["\\gizmo.exe", "\\MpCmdRun.exe"]}, WINDOWS, RESEMBLES),
    ],
)
def test_what_never_fits(
    name: str, items: dict[str, Any], logsource: LogSource, at_most: str
) -> None:
    conditions = left_out(name, items, logsource).conditions
    assert (conditions.at_most, conditions.exclusion) == (at_most, True)


def test_the_corpus(shared: Path) -> None:
    """635 exclusions of live rules; what is not taken names no software or says more than an alert
    can show."""
    rules = reading(shared, "sigma").rules
    named = sum(len(each.exclusions) for each in rules)
    taken = [one for each in rules for one in exclusions.statements(each)]
    assert named == 635
    assert 430 <= len(taken) <= 450
    assert all(": detection rules leave it out where " in one.text for one in taken)
    assert all(len(one.text) < 400 for one in taken)
