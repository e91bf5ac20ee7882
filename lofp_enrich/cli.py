"""The command line. It, `cli_fresh` and `cli_splunk` alone print and decide the exit code."""

from __future__ import annotations

import gc
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console

from lofp_enrich import __version__, building, cli_fresh, cli_splunk, lookups, show
from lofp_enrich import cache as caching
from lofp_enrich import package as packaging
from lofp_enrich.alerts import enrich_csv, enrich_jsonl
from lofp_enrich.errors import LofpError
from lofp_enrich.search import options as search_options
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.enrich import Enricher, load_enricher
from lofp_enrich.search.errors import SearchError

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


def _source_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        cli_fresh.SOURCE,
        click.option("--no-starter", is_flag=True, help="Leave the starter entries out."),
        click.option("--no-notes", is_flag=True, help="Leave Elastic's guides out."),
        click.option(
            "--include",
            type=click.Choice(["deprecated"]),
            help="Read rules that their authors retired, too.",
        ),
        cli_fresh.CACHE,
        click.option("--json", "as_json", is_flag=True, help="Give the counts as JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@_source_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("lookups"),
    show_default=True,
    help="Folder that the lookup files are written to.",
)
def build(as_json: bool, out: Path, **choices: Any) -> None:
    """Make the lookup files from rule sources and the starter entries."""
    with _without_collector():
        _build_and_write(as_json, out, **choices)


@contextmanager
def _without_collector() -> Iterator[None]:
    """A build makes millions of objects and then ends: looking for dead ones is a tenth of it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _build_and_write(as_json: bool, out: Path, **choices: Any) -> None:
    built = _build(**choices)
    if not built.readings:
        raise click.UsageError("--no-starter leaves nothing to read; name a --source.")
    files = {}
    if not any(map(building.silence, built.readings)):
        files = lookups.write(built.catalogue, built.attack, built.origins, out)
    _report(built, as_json, {str(out / name): state for name, state in files.items()}, out)


@main.command()
@_source_options
def check(as_json: bool, **choices: Any) -> None:
    """Read the sources without writing; name every file that cannot be read."""
    _report(_build(**choices), as_json)


def _build(
    sources: Sequence[building.Named],
    no_starter: bool,
    no_notes: bool,
    include: str | None,
    cache: Path | None,
) -> building.Built:
    return building.build(
        sources,
        cache or caching.default_folder(),
        with_starter=not no_starter,
        notes=not no_notes,
        deprecated=include == "deprecated",
    )


def _report(
    built: building.Built,
    as_json: bool,
    files: Mapping[str, str] | None = None,
    out: Path | None = None,
) -> None:
    errors = [error for reading in built.readings for error in reading.errors]
    for error in errors:
        click.echo(str(error), err=True)
    counts = [building.counts(reading) for reading in built.readings]
    entries = built.catalogue.entries
    techniques = {each for entry in entries for each in entry.techniques}
    if as_json:
        click.echo(
            json.dumps({"sources": counts, "entries": len(entries), "files": files or {}}, indent=2)
        )
    else:
        Console().print(show.counts_table(counts))
        click.echo(f"{len(entries):,} entries for {len(techniques):,} techniques")
        for name, state in (files or {}).items():
            click.echo(f"{name}: {state}")
    silences = list(filter(None, map(building.silence, built.readings)))
    for sentence in silences:
        click.echo(f"lofp-enrich: {sentence}", err=True)
    if silences and out:
        click.echo(f"lofp-enrich: the lookups in {out} stay as they are.", err=True)
    if errors or silences:
        sys.exit(1)


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
    try:
        options = search_options.parse({k: v for k, v in arguments.items() if v})
    except SearchError as error:
        raise click.UsageError(str(error)) from error
    enricher, troubles = load_enricher(directory, options, datetime.now(timezone.utc).date())
    for trouble in troubles:
        click.echo(f"lofp-enrich: {trouble}", err=True)
    return enricher


def _search_option(name: str, text: str) -> Callable[[Any], Any]:
    return click.option("--" + name.replace("_", "-"), name, default="", help=text)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default=Path("-"))
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
    if not answer.explanations:
        reason = "names no technique" if answer.status == "no_technique" else "has no explanation"
        raise LofpError(f"{', '.join(techniques)} {reason} in these lookups.")
    Console().print(show.answer_table(answer, Attack.load(building.ATTACK)))
    click.echo(f"{len(answer.explanations)} of {answer.total:,} explanations")


for command in (*cli_fresh.COMMANDS, *cli_splunk.COMMANDS):
    main.add_command(command)
