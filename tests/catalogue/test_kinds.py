"""What a statement is worth to a person at an alert."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofp_enrich.catalogue.kinds import kind_of
from lofp_enrich.search.answer.options import KINDS

BENIGN = """
SCCM client installs
hdiutil by admins
Teams
GPO
Discord
Veeam
Unlikely. Except due to misconfigured proxies.
Unknown. Some admins map drives with net.exe at logon.
Unknown, though Ansible does it.
None identified, apart from Citrix updates.
The label printers of the warehouse.
Backup agents, filter as needed.
Verify the user. Okta's own probes do this.
Legitimate administrative activity. Jenkins agents do this every night.
FALSE POSITIVES: McAfee updates.
\u5b9a\u671f\u30d0\u30c3\u30af\u30a2\u30c3\u30d7\u304c\u30d5\u30a1\u30a4\u30eb\u3092\u30b3\u30d4\u30fc\u3059\u308b
\u0391\u03bd\u03c4\u03af\u03b3\u03c1\u03b1\u03c6\u03b1
Pr\u00fcfstelle
7-Zip
None expected, except for the nightly tape robot.
Tape robots that rotate logs should be documented and excluded.
Tape robots may write here and will require tuning based on their hosts.
"""
GENERIC = """
Legitimate administrative activity
legitimate administrative activity.
Administrators may run this command.
Automated scripts
System administrator usage.
Although unlikely, some legitimate applications may do this.
Valid changes by an authorized user
"""
ADVICE = """
Filter as needed.
Tuning may be required.
Verify the user.
Please update the filter macros.
Unknown. Filter as needed.
If this is expected in your environment, it can be exempted from the rule.
This should be investigated.
Whether the user should be doing this must be verified.
Regularly go over the list of tape robots and update it.
Monitor these robots for a week.
Collaborate with the people who run the tape robots.
To manage this, create exceptions for the tape robots.
Users can add the tape robots to the exclusion list.
Do not close on the word of the tape robot's owner.
Filter as needed or restrict to the tape robots.
"""
PLACEHOLDER = """
Unknown
unknown.
UNKNOWN!
 Unknown
Unlikely
Highly unlikely
Very unlikely.
None
None.
None identified
None identified at this time.
No false positives known
N/A
-
--
???
...
TBD
High
Likely
Low
There are no known false positives at this time.
None expected in production traffic
Unknown, needs baseline
No false positives have been observed at this time
Aucun
Unbekannt
unk\u006fwn
"""
CASES = [
    (statement, kind)
    for kind, statements in (
        ("benign", BENIGN),
        ("generic", GENERIC),
        ("advice", ADVICE),
        ("placeholder", PLACEHOLDER),
    )
    for statement in statements.strip("\n").split("\n")
]


@pytest.mark.parametrize(("statement", "kind"), CASES)
def test_kinds(statement: str, kind: str) -> None:
    assert kind_of(statement) == kind


@pytest.mark.parametrize("statement", ["", " ", ".", "\n", "'", "\u200b"])
def test_nothing_says_nothing(statement: str) -> None:
    assert kind_of(statement) == "placeholder"


@pytest.mark.parametrize(("statement", "kind"), CASES)
def test_case_quotes_and_the_final_stop_play_no_part(statement: str, kind: str) -> None:
    """Else an entry's kind would hang on which of its spellings is shown."""
    for other in (
        statement.lower(),
        f'"{statement}"',
        statement.rstrip(".") + ".",
        f" {statement} ",
    ):
        assert kind_of(other) == kind, other


@given(st.lists(st.sampled_from([statement for statement, _ in CASES]), min_size=1, max_size=4))
def test_the_best_sentence_decides(statements: list[str]) -> None:
    order = [*KINDS, "placeholder"]
    text = " ".join(each.strip().rstrip(".!?-") + "." for each in statements)
    kinds = [kind_of(each.strip().rstrip(".!?-") + ".") for each in statements]
    assert kind_of(text) == min(kinds, key=order.index)


@given(st.text())
def test_whatever_the_text_it_has_a_kind(text: str) -> None:
    assert kind_of(text) in {*KINDS, "placeholder"}


@pytest.mark.parametrize("words", ["a", "- ", "no ", "and ", "filter ", "if it ", "x. ", "; "])
def test_a_long_text_takes_no_time(words: str) -> None:
    begun = time.process_time()
    assert kind_of(words * (16_000 // len(words))) in {*KINDS, "placeholder"}
    assert time.process_time() - begun < 0.5
