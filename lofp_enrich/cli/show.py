"""What a person sees in a terminal, as things that rich can print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.answer.enrich import Answer
from lofp_enrich.search.attack import Attack

_LONGEST = 300
"""Characters of a value that a table shows."""
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


def answer_table(answer: Answer, attack: Attack) -> Table:
    """The explanations, each with what to check, why it is here and whose words it is."""
    table = Table.grid(padding=(0, 2))
    for number, each in enumerate(answer.explanations, 1):
        technique = f"{each.technique} {attack.name(each.technique)}: " if each.technique else ""
        why = f"{technique}{each.why} (nearness {each.score})"
        table.add_row(Text(f"{number:2}", "bold"), "", Text(each.statement, "bold"))
        for label, text in (("check", each.check), ("why", why), ("says", each.rule)):
            if text:
                table.add_row("", Text(label, "dim"), Text(text))
        table.add_row()
    return table


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
        text = "\n".join(" ".join(value.split())[:_LONGEST] for value in values)
        table.add_row(attribute, Text(text), Text(_from(alert, attribute), "dim"))
    return table


def _from(alert: Alert, attribute: str) -> str:
    return alert.read_from.get(attribute, "")
