"""The commands that read rule sources: `build` and `check`."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from lofp_enrich.build import Built, Named, counts_of, namesakes, read_and_merge, silence
from lofp_enrich.catalogue.lookups import write
from lofp_enrich.cli.options import CACHE, SOURCE
from lofp_enrich.cli.show import counts_table, software_line
from lofp_enrich.snapshots.cache import default_folder


def _source_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        SOURCE,
        click.option("--no-starter", is_flag=True, help="Leave the starter entries out."),
        click.option("--no-notes", is_flag=True, help="Leave Elastic's guides out."),
        click.option(
            "--include",
            type=click.Choice(["deprecated"]),
            help="Read rules that their authors retired, too.",
        ),
        CACHE,
        click.option("--json", "as_json", is_flag=True, help="Give the counts as JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
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
    if not any(map(silence, built.readings)):
        files = write(built.catalogue, built.attack, built.origins, out)
    _report(built, as_json, {str(out / name): state for name, state in files.items()}, out)


@click.command()
@_source_options
def check(as_json: bool, **choices: Any) -> None:
    """Read the sources without writing; name every file that cannot be read."""
    _report(_build(**choices), as_json)


def _build(
    sources: Sequence[Named],
    no_starter: bool,
    no_notes: bool,
    include: str | None,
    cache: Path | None,
) -> Built:
    return read_and_merge(
        sources,
        cache or default_folder(),
        with_starter=not no_starter,
        notes=not no_notes,
        deprecated=include == "deprecated",
    )


def _report(
    built: Built,
    as_json: bool,
    files: Mapping[str, str] | None = None,
    out: Path | None = None,
) -> None:
    errors = [error for reading in built.readings for error in reading.errors]
    for error in errors:
        click.echo(str(error), err=True)
    counts = [counts_of(reading) for reading in built.readings]
    entries = built.catalogue.entries
    techniques = {each for entry in entries for each in entry.techniques}
    if as_json:
        click.echo(
            json.dumps(
                {
                    "sources": counts,
                    "entries": len(entries),
                    **({"software": built.software} if built.software else {}),
                    "files": files or {},
                },
                indent=2,
            )
        )
    else:
        Console().print(counts_table(counts))
        click.echo(f"{len(entries):,} entries for {len(techniques):,} techniques")
        if built.software:
            click.echo(software_line(built.software))
        for name, state in (files or {}).items():
            click.echo(f"{name}: {state}")
    for sentence in namesakes(built.catalogue):
        click.echo(f"lofp-enrich: {sentence}", err=True)
    silences = list(filter(None, map(silence, built.readings)))
    for sentence in silences:
        click.echo(f"lofp-enrich: {sentence}", err=True)
    if silences and out:
        click.echo(f"lofp-enrich: the lookups in {out} stay as they are.", err=True)
    if errors or silences:
        sys.exit(1)


COMMANDS = (build, check)
