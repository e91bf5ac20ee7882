"""The commands that bring fresh rules: `fetch`, and `refresh`, which is for cron."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from lofp_enrich.build import Named, read_and_merge, silence
from lofp_enrich.catalogue.lookups import write
from lofp_enrich.cli.options import CACHE, FETCHED, SOURCE
from lofp_enrich.cli.splunk import installed_app, leaves, splunk_options, summary
from lofp_enrich.deploy.push import push_lookups
from lofp_enrich.errors import LofpError
from lofp_enrich.snapshots.cache import default_folder, snapshot
from lofp_enrich.snapshots.fetch import Fetched, Step, fetch_all


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(FETCHED), metavar="[NAME]...")
@CACHE
@click.option("--ref", default="", help="Branch, tag or commit of the one NAME given.")
@click.option("--url", default="", help="Base of a mirror of api.github.com and github.com.")
def fetch(names: Sequence[str], cache: Path | None, ref: str, url: str) -> None:
    """Download snapshots of rule sources and of ATT&CK, for `build --source NAME`.

    NAME is sigma, elastic, splunk, lolrmm or attack; without one, all are fetched. GITHUB_TOKEN is
    used where it is set.
    """
    if ref and len(set(names)) != 1:
        raise click.UsageError("--ref is of one source: give exactly one NAME.")
    if any(result.state == "failed" for result in fetched(names or FETCHED, cache, ref, url)):
        sys.exit(1)


def fetched(names: Sequence[str], cache: Path | None, ref: str, url: str) -> Sequence[Fetched]:
    """Fetches, and says what became of each source; a failure on standard error."""
    with _progress(names) as report:
        results = fetch_all(list(names), cache or default_folder(), ref=ref, url=url, report=report)
    for result in results:
        failed = result.state == "failed"
        click.echo(f"lofp-enrich: {result}" if failed else str(result), err=failed)
    return results


@contextmanager
def _progress(names: Sequence[str]) -> Iterator[Callable[[Step], None]]:
    """Bars on a terminal; otherwise one plain line for each wait, and nothing for the rest."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _say_wait
        return
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        console=console,
        transient=True,  # the lines that stay are the results
    )
    tasks: dict[str, TaskID] = {}
    with bars:
        for name in dict.fromkeys(names):
            tasks[name] = bars.add_task(name, total=None, step="")

        def show(progress: Step) -> None:
            task, step = tasks[progress.name], progress.text or progress.step
            if progress.step == "download":
                bars.update(task, completed=progress.done, total=progress.total or None, step=step)
            else:
                bars.update(task, step=step)

        yield show


def _say_wait(progress: Step) -> None:
    if progress.step == "wait":
        click.echo(f"lofp-enrich: {progress.name}: {progress.text}", err=True)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(FETCHED), metavar="[NAME]...")
@SOURCE
@CACHE
@click.option("--mirror", default="", help="Base of a mirror of api.github.com and github.com.")
@splunk_options
def refresh(
    names: Sequence[str],
    sources: Sequence[Named],
    cache: Path | None,
    mirror: str,
    directory: Path,
    **where: Any,
) -> None:
    """Fetch, build and push in one, for cron: quiet where nothing changed.

    NAME is as for fetch. The catalogue is built from all snapshots that were ever fetched, and
    from each --source. A NAME that cannot be fetched is taken from its old snapshot, and the exit
    code is 1; where there is none, or a source has fallen silent, Splunk keeps what it has.
    """
    cache = cache or default_folder()
    wanted = names or FETCHED
    results = fetch_all(list(wanted), cache, url=mirror)
    failed = [result for result in results if result.state == "failed"]
    for result in failed:
        click.echo(f"lofp-enrich: {result}", err=True)
    missing = [name for name in wanted if not snapshot(name, cache)]
    if missing:
        raise LofpError(f"{', '.join(missing)}: no snapshot to build from; Splunk was not touched.")
    held = [(name, None) for name in FETCHED if snapshot(name, cache)]
    built = read_and_merge([*held, *sources], cache)
    errors = [error for reading in built.readings for error in reading.errors]
    for error in errors:
        click.echo(str(error), err=True)
    silences = list(filter(None, map(silence, built.readings)))
    if silences:
        raise LofpError(f"{' '.join(silences)} Splunk was not touched.")
    write(built.catalogue, built.attack, built.origins, directory)
    with installed_app(**where) as app:
        pushed = push_lookups(app, directory, apply=True)
    if pushed:
        click.echo(summary(pushed))
    if leaves(pushed) or failed or errors:
        sys.exit(1)


COMMANDS = (fetch, refresh)
