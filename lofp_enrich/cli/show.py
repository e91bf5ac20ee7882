"""What a person sees in a terminal, as things that rich can print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from lofp_enrich.search.answer.enrich import Answer
from lofp_enrich.search.attack import Attack

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


def answer_table(answer: Answer, attack: Attack) -> Table:
    """The explanations, each with what to check, why it is here and whose words it is."""
    table = Table.grid(padding=(0, 2))
    for number, each in enumerate(answer.explanations, 1):
        technique = f"{each.technique} {attack.name(each.technique)}: " if each.technique else ""
        why = f"{technique}{each.why} (score {each.score})"
        table.add_row(Text(f"{number:2}", "bold"), "", Text(each.statement, "bold"))
        for label, text in (("check", each.check), ("why", why), ("says", each.rule)):
            if text:
                table.add_row("", Text(label, "dim"), Text(text))
        table.add_row()
    return table
