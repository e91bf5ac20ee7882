"""What a person sees in a terminal, as things that rich can print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lofp_enrich.errors import plain
from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.answer.evidence import CONTRADICTS, FITS, OPEN, RESEMBLES
from lofp_enrich.search.answer.explanation import Explanation
from lofp_enrich.search.attack import Attack

_LONGEST = 300
"""Characters of a value that a table shows."""
_STATES = {FITS: "bold green", RESEMBLES: "bold blue", OPEN: "dim", CONTRADICTS: "bold red"}
"""How an explanation stands to the alert -> its colour, as on the page Triage."""
_LABEL = max(map(len, _STATES))
_INDENT = len("99  ") + _LABEL + 2
_NARROWEST = 20
"""Characters of text on a line, however narrow the terminal."""
QUESTION = "a question to check, never a verdict"
_MEASURES = {
    "files": "rule files",
    "unread": "  not read",
    "rules": "rules",
    "left_out": "  retired by their authors, left out",
    "statements": "statements",
    "from_notes": "  from investigation guides",
    "with_technique": "  of rules with a technique",
    "benign": "  name a harmless cause",
    "generic": "  true of everything",
    "advice": "  advice without a cause",
    "placeholder": '  say nothing ("Unknown"), left out',
    "exclusions": "what rules leave out by name",
    "translated": "  that name software and could be translated",
    "techniques": "techniques",
}


def counts_table(counts: Sequence[Mapping[str, Any]]) -> Table:
    """A column a source, a line a measure."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for each in counts:
        table.add_column(each["source"], justify="right")
    for key, measure in _MEASURES.items():
        table.add_row(measure, *(f"{each[key]:,}" for each in counts))
    return table


def software_line(counts: Mapping[str, int]) -> str:
    """What became of the products that sources know, and of what they say of them."""
    kept = ("read", "new", "known")
    left_out = sorted(
        ((count, reason) for reason, count in counts.items() if reason not in kept and count),
        key=lambda pair: (-pair[0], pair[1]),
    )
    reasons = ", ".join(f"{count:,} {reason}" for count, reason in left_out)
    line = (
        f"{counts['read']:,} tools: {counts['new']:,} new products, {counts['known']:,} that are"
        " known already"
    )
    total = sum(count for count, _ in left_out)
    return f"{line}; left out of what they say: {reasons}" if total else line


def print_explanations(
    console: Console, explanations: Sequence[Explanation], attack: Attack
) -> None:
    """Each explanation: how it stands to the alert and what decided that, the explanation, what to
    check, what would speak against it, whose words it is, and why it is here."""
    for number, each in enumerate(explanations, 1):
        state = Text(each.evidence.ljust(_LABEL), _STATES.get(each.evidence, ""))
        head = Text.assemble((f"{number:2}", "bold"), "  ", state, "  ")
        _print_beside(console, head, Text(_shown(_decided(each))))
        for label, text in (
            ("explanation", each.statement),
            # Most statements name whose doing it is.
            ("software", "" if each.software in each.statement else each.software),
            ("check", each.check),
            ("against", each.against),
            ("says", each.rule),
            ("link", each.url),
            ("why", _why(each, attack)),
        ):
            if text:
                beside = Text(f"    {label.ljust(_LABEL)}  ", "dim")
                said = Text(_shown(text), "bold" if label == "explanation" else "")
                _print_beside(console, beside, said, wrap=label != "link")
        console.print()


def _decided(each: Explanation) -> str:
    """What decided the evidence; where nothing did, why the explanation stands so all the same."""
    if each.because:
        return each.because
    if each.match == "local":
        return "your own explanation of such alerts"
    if each.match == "rule":
        return "the rule itself says so; nothing in the alert decides it"
    return "nothing in the alert decides it"


def _why(each: Explanation, attack: Attack) -> str:
    """Why it is among the explanations at all."""
    if each.match == "software":
        return "known software in the alert"
    technique = f"{each.technique} {attack.name(each.technique)}: " if each.technique else ""
    return f"{technique}{each.why} (nearness {each.score})"


def _print_beside(console: Console, label: Text, text: Text, *, wrap: bool = True) -> None:
    """The text beside its label; a link stays in one piece, for whoever copies it."""
    width = max(console.width - _INDENT, _NARROWEST)
    for line in text.wrap(console, width, overflow="fold") if wrap else [text]:
        line.rstrip()
        if line:  # a word that is longer than a line leaves an empty one before it
            console.print(Text.assemble(label, line), soft_wrap=True)
            label = Text(" " * _INDENT)


def _shown(text: str) -> str:
    """A text on one line, without what a terminal obeys: it may be an alert's or an author's."""
    return " ".join(plain(text).split())


def title_of(alert: Alert) -> str:
    """What a person would call an alert."""
    return next(iter((*alert.get("title"), *alert.names, *alert.get("process"))), "")


def print_alert_heading(
    console: Console, number: int, title: str, techniques: Iterable[str], attack: Attack
) -> None:
    """Which alert it is that explanations follow of."""
    heading = Text.assemble((f"alert {number}", "bold"), f"  {_shown(title)[:_LONGEST]}")
    heading.rstrip()
    console.print(heading, soft_wrap=True)
    names = ", ".join(f"{each} {attack.name(each)}".strip() for each in techniques)
    if names:
        console.print(Text(names, "dim"), soft_wrap=True)
    console.print()


def alert_table(number: int, alert: Alert) -> Table:
    """What was understood of an alert: attribute, values, and the field they were read from."""
    table = Table(box=box.SIMPLE_HEAD, title=f"alert {number}", title_justify="left")
    for heading in ("attribute", "values", "read from"):
        table.add_column(heading, overflow="fold")
    named = "\n".join(
        each.technique if each.written == each.technique else f"{each.technique} ({each.written})"
        for each in alert.techniques
    )
    for attribute, text in (("techniques", named), ("platform", ", ".join(alert.platform))):
        if text:
            table.add_row(attribute, Text(text, "bold"), Text(_from(alert, attribute), "dim"))
    for attribute, values in alert.values.items():
        text = "\n".join(_shown(value)[:_LONGEST] for value in values)
        table.add_row(attribute, Text(text), Text(_from(alert, attribute), "dim"))
    return table


def _from(alert: Alert, attribute: str) -> str:
    return alert.read_from.get(attribute, "")
