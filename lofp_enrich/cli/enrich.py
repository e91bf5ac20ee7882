"""The commands that answer alerts outside Splunk: `enrich` and `explain`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console

from lofp_enrich.build import ATTACK
from lofp_enrich.cli.alerts import enrich_csv, enrich_jsonl
from lofp_enrich.cli.options import LOOKUPS
from lofp_enrich.cli.show import answer_table
from lofp_enrich.errors import LofpError
from lofp_enrich.search.answer.enrich import Enricher, load_enricher
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.errors import SearchError


def _enricher(directory: Path, arguments: dict[str, str]) -> Enricher:
    try:
        options = parse({k: v for k, v in arguments.items() if v})
    except SearchError as error:
        raise click.UsageError(str(error)) from error
    enricher, troubles = load_enricher(directory, options, datetime.now(timezone.utc).date())
    for trouble in troubles:
        click.echo(f"lofp-enrich: {trouble}", err=True)
    return enricher


def _search_option(name: str, text: str) -> Callable[[Any], Any]:
    return click.option("--" + name.replace("_", "-"), name, default="", help=text)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default=Path("-"))
@LOOKUPS
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="Form of the alerts; csv for a file named so, otherwise jsonl.",
)
@_search_option("max", "Explanations an alert gets at most (3).")
@_search_option("min_score", "Leave out explanations that score less (0).")
@_search_option("output", "brief or full (brief).")
@_search_option("match", "auto, rule, technique or exact (auto).")
@_search_option("kind", "Only these kinds: benign, generic, advice.")
@_search_option("source", "Only explanations of these sources.")
@_search_option("product", "Only explanations for these products.")
@_search_option("technique_field", "Fields that hold techniques, instead of the known ones.")
@_search_option("rule_field", "Fields that hold the rule's name, instead of the known ones.")
@_search_option("context_fields", "Fields that say what the alert is about, instead of the known.")
@_search_option("prefix", "What output fields begin with (lofp_).")
@_search_option("expand", "true: one line an explanation (false).")
def enrich(file: Path, directory: Path, form: str | None, **arguments: str) -> None:
    """Enrich alerts outside Splunk, with the code that runs inside it."""
    enricher = _enricher(directory, arguments)
    is_csv = form == "csv" or (form is None and file.suffix.lower() == ".csv")
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    try:
        with _alerts(file) as lines:
            faulty = (
                enrich_csv(lines, out, enricher) if is_csv else enrich_jsonl(lines, out, enricher)
            )
    finally:
        out.flush()
        out.detach()
    for trouble in enricher.troubles:
        click.echo(f"lofp-enrich: {trouble}", err=True)
    if faulty:
        click.echo(
            f"lofp-enrich: {faulty} lines are no JSON object; they went through with the status "
            "error. One alert a line is wanted; for a table give --format csv.",
            err=True,
        )
        sys.exit(1)


@contextmanager
def _alerts(file: Path) -> Iterator[TextIO]:
    """The alerts as text, a byte-order mark left out and line breaks inside cells as they are."""
    if str(file) == "-":
        yield io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "replace", "")
        return
    try:
        opened = file.open(encoding="utf-8-sig", errors="replace", newline="")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read ({error.strerror}).") from error
    with opened:
        yield opened


@click.command()
@click.argument("techniques", nargs=-1, required=True, metavar="TECHNIQUE...")
@LOOKUPS
@click.option("--rule", default="", help="Name of the rule that fired.")
@click.option(
    "--context", "context", multiple=True, metavar="K=V", help="A field of the alert. Repeatable."
)
@click.option("--max", "most", default="5", show_default=True, help="Explanations at most.")
def explain(
    techniques: Sequence[str], directory: Path, rule: str, context: Sequence[str], most: str
) -> None:
    """Show the explanations of techniques, ranked as `enrich` would."""
    values = {"mitre_technique_id": tuple(techniques)}
    if rule:
        values["rule_name"] = (rule,)
    for pair in context:
        field, equals, text = pair.partition("=")
        if not equals or not field:
            raise click.BadParameter(f"{pair!r} is not K=V.", param_hint="--context")
        values[field] = (*values.get(field, ()), text)
    answer = _enricher(directory, {"max": most, "output": "full"}).answer(values)
    if not answer.explanations:
        reason = "names no technique" if answer.status == "no_technique" else "has no explanation"
        raise LofpError(f"{', '.join(techniques)} {reason} in these lookups.")
    Console().print(answer_table(answer, Attack.load(ATTACK)))
    click.echo(f"{len(answer.explanations)} of {answer.total:,} explanations")


COMMANDS = (enrich, explain)
