"""The command line: the only module that prints and that decides the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lofp_enrich import __version__, lookups
from lofp_enrich import package as packaging
from lofp_enrich.alerts import enrich_csv, enrich_jsonl
from lofp_enrich.catalogue import Catalogue
from lofp_enrich.errors import LofpError
from lofp_enrich.search import options as search_options
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.enrich import Answer, Enricher
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.index import LookupIndex
from lofp_enrich.search.local import load_local
from lofp_enrich.sources import SOURCES, Reading, read, starter

ATTACK = Path(__file__).parent / "data" / "attack.csv"

_LOOKUPS = click.option(
    "--lookups",
    "directory",
    type=click.Path(path_type=Path),
    default=Path("lookups"),
    show_default=True,
    help="Folder of the lookup files.",
)


class Group(click.Group):
    """Turns what a person can mend into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; LofpError and SearchError become exit code 1, all else is a bug."""
        try:
            return super().invoke(ctx)
        except (LofpError, SearchError) as error:
            click.echo(f"lofp-enrich: {error}", err=True)
            ctx.exit(1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lofp-enrich")
def main() -> None:
    """Puts the known harmless explanations of an alert on the alert."""


def _source_options(command: Any) -> Any:
    for option in reversed(
        (
            click.option(
                "--source",
                "sources",
                multiple=True,
                metavar="NAME=PATH",
                callback=_named_paths,
                help=f"Rules to read: NAME is one of {', '.join(SOURCES)}; PATH is a folder, "
                ".tar.gz or .zip. Repeatable.",
            ),
            click.option("--no-starter", is_flag=True, help="Leave the starter entries out."),
            click.option("--no-notes", is_flag=True, help="Leave Elastic's guides out."),
            click.option(
                "--include",
                type=click.Choice(["deprecated"]),
                help="Read rules that their authors retired, too.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Give the counts as JSON."),
        )
    ):
        command = option(command)
    return command


def _named_paths(
    ctx: click.Context, param: click.Parameter, value: Sequence[str]
) -> list[tuple[str, Path]]:
    named = []
    for text in value:
        name, equals, path = text.partition("=")
        if name not in SOURCES or not equals or not path:
            raise click.BadParameter(
                f"{text!r} is not NAME=PATH with NAME one of {', '.join(SOURCES)}."
            )
        named.append((name, Path(path)))
    return named


@main.command()
@_source_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("lookups"),
    show_default=True,
    help="Folder that the lookup files are written to.",
)
def build(
    sources: list[tuple[str, Path]],
    no_starter: bool,
    no_notes: bool,
    include: str | None,
    as_json: bool,
    out: Path,
) -> None:
    """Make the lookup files from rule sources and the starter entries."""
    readings = _readings(sources, no_starter, no_notes, include)
    attack = Attack.load(ATTACK)
    catalogue = Catalogue.from_rules(
        (rule for reading in readings for rule in reading.rules), attack
    )
    origins = {lookups.Origin(each.source, each.commit) for each in readings}
    files = lookups.write(catalogue, attack, origins, out)
    _report(readings, catalogue, as_json, files, out)


@main.command()
@_source_options
def check(
    sources: list[tuple[str, Path]],
    no_starter: bool,
    no_notes: bool,
    include: str | None,
    as_json: bool,
) -> None:
    """Read the sources without writing; name every file that cannot be read."""
    readings = _readings(sources, no_starter, no_notes, include)
    catalogue = Catalogue.from_rules(
        (rule for reading in readings for rule in reading.rules), Attack.load(ATTACK)
    )
    _report(readings, catalogue, as_json)


def _readings(
    sources: Iterable[tuple[str, Path]], no_starter: bool, no_notes: bool, include: str | None
) -> list[Reading]:
    readings = [] if no_starter else [starter()]
    for name, path in sources:
        readings.append(read(name, path, notes=not no_notes, deprecated=include == "deprecated"))
    return readings


def _report(
    readings: Sequence[Reading],
    catalogue: Catalogue,
    as_json: bool,
    files: dict[str, str] | None = None,
    out: Path | None = None,
) -> None:
    for reading in readings:
        for error in reading.errors:
            click.echo(str(error), err=True)
    counts = [_counts(reading, catalogue) for reading in readings]
    silent = [
        each["source"] for each in counts if each["statements"] and not each["with_technique"]
    ]
    if as_json:
        document = {"sources": counts, "entries": len(catalogue.entries), "files": files or {}}
        click.echo(json.dumps(document, indent=2))
    else:
        _print_counts(counts, catalogue, files or {}, out)
    for source in silent:
        click.echo(
            f"lofp-enrich: {source}: no statement has a technique; the layout of its rules must "
            "have changed. Run lofp-enrich check on an older snapshot to compare.",
            err=True,
        )
    if silent or any(reading.errors for reading in readings):
        sys.exit(1)


def _counts(reading: Reading, catalogue: Catalogue) -> dict[str, Any]:
    stated = [fp for rule in reading.rules for fp in rule.falsepositives]
    kinds = {
        kind: catalogue.statements[reading.source, kind]
        for kind in (*search_options.KINDS, "placeholder")
    }
    return {
        "source": reading.source,
        "files": reading.files,
        "rules": len(reading.rules),
        "left_out": reading.left_out,
        "statements": len(stated),
        "from_notes": sum(fp.note for fp in stated),
        **kinds,
        "with_technique": sum(
            len(rule.falsepositives) for rule in reading.rules if rule.techniques
        ),
        "techniques": len({each for rule in reading.rules for each in rule.techniques}),
        "unread": len(reading.errors),
    }


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


def _print_counts(
    counts: Sequence[dict[str, Any]],
    catalogue: Catalogue,
    files: dict[str, str],
    out: Path | None,
) -> None:
    console = Console()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for each in counts:
        table.add_column(each["source"], justify="right")
    for key, measure in _MEASURES.items():
        table.add_row(measure, *(f"{each[key]:,}" for each in counts))
    console.print(table)
    techniques = {each for entry in catalogue.entries for each in entry.techniques}
    click.echo(f"{len(catalogue.entries):,} entries for {len(techniques):,} techniques")
    for name, state in files.items():
        click.echo(f"{(out or Path()) / name}: {state}")


@main.command()
@_LOOKUPS
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("dist") / f"lofp_enrich-{__version__}.tar.gz",
    show_default=True,
    help="The archive.",
)
def package(directory: Path, out: Path) -> None:
    """Make the app archive that an admin installs in Splunk."""
    click.echo(f"{out}: {packaging.package(directory, out)}")


def _enricher(directory: Path, arguments: dict[str, str]) -> Enricher:
    options = search_options.parse({k: v for k, v in arguments.items() if v})
    index = LookupIndex.load(directory)
    local = load_local(
        directory / "lofp_local.csv", datetime.now(timezone.utc).date(), index.attack
    )
    for fault in local.faults:
        click.echo(f"lofp-enrich: {fault}", err=True)
    return Enricher(index, local, options)


def _search_option(name: str, text: str) -> Callable[[Any], Any]:
    return click.option("--" + name.replace("_", "-"), name, default="", help=text)


@main.command()
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"), default="-")
@_LOOKUPS
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
def enrich(file: Any, directory: Path, form: str | None, **arguments: str) -> None:
    """Enrich alerts outside Splunk, with the code that runs inside it."""
    enricher = _enricher(directory, arguments)
    is_csv = form == "csv" or (form is None and str(file.name).lower().endswith(".csv"))
    faulty = (enrich_csv if is_csv else enrich_jsonl)(file, sys.stdout, enricher)
    if faulty:
        click.echo(f"lofp-enrich: {faulty} lines are no JSON object; they went through.", err=True)
        sys.exit(1)


@main.command()
@click.argument("techniques", nargs=-1, required=True, metavar="TECHNIQUE...")
@_LOOKUPS
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
    _print_answer(answer, Attack.load(ATTACK), techniques)
    if not answer.explanations:
        sys.exit(1)


def _print_answer(answer: Answer, attack: Attack, techniques: Sequence[str]) -> None:
    console = Console()
    if not answer.explanations:
        reason = "names no technique" if answer.status == "no_technique" else "has no explanation"
        click.echo(f"lofp-enrich: {', '.join(techniques)} {reason} in these lookups.", err=True)
        return
    table = Table.grid(padding=(0, 2))
    for number, each in enumerate(answer.explanations, 1):
        why = f"{each.technique} {attack.name(each.technique)}: {each.why} (score {each.score})"
        table.add_row(Text(f"{number:2}", "bold"), "", Text(each.statement, "bold"))
        for label, text in (("check", each.check), ("why", why), ("says", each.rule)):
            if text:
                table.add_row("", Text(label, "dim"), Text(text))
        table.add_row()
    console.print(table)
    click.echo(f"{len(answer.explanations)} of {answer.total:,} explanations")
