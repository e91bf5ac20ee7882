"""The command that brings fresh rules: `fetch`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from lofp_enrich import building
from lofp_enrich import cache as caching
from lofp_enrich import fetch as fetching
from lofp_enrich.sources import SOURCES

FETCHED = tuple(fetching.REPOSITORIES)
"""What can be fetched, and then be read without a path."""


def _named_paths(
    ctx: click.Context, param: click.Parameter, value: Sequence[str]
) -> list[building.Named]:
    named: list[building.Named] = []
    for text in value:
        name, equals, path = text.partition("=")
        fetched = not equals and name in FETCHED
        if not fetched and not (name in SOURCES and path):
            raise click.BadParameter(
                f"{text!r} is not NAME=PATH with NAME one of {', '.join(SOURCES)}, nor one of "
                f"{', '.join(FETCHED)} alone."
            )
        named.append((name, Path(path) if path else None))
    return named


SOURCE = click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="NAME[=PATH]",
    callback=_named_paths,
    help=f"Rules to read: NAME is one of {', '.join(SOURCES)}; PATH is a folder, .tar.gz or .zip. "
    "Without PATH, the snapshot that fetch brought; attack, without PATH, takes the ATT&CK table "
    "from it. Repeatable.",
)
CACHE = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the snapshots.  [default: $XDG_CACHE_HOME/lofp_enrich or ~/.cache/lofp_enrich]",
)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(FETCHED), metavar="[NAME]...")
@CACHE
@click.option("--ref", default="", help="Branch, tag or commit of the one NAME given.")
@click.option("--url", default="", help="Base of a mirror of api.github.com and github.com.")
def fetch(names: Sequence[str], cache: Path | None, ref: str, url: str) -> None:
    """Download snapshots of rule sources and of ATT&CK, for `build --source NAME`.

    NAME is sigma, elastic, splunk or attack; without one, all are fetched. GITHUB_TOKEN is used
    where it is set.
    """
    if ref and len(set(names)) != 1:
        raise click.UsageError("--ref is of one source: give exactly one NAME.")
    if any(result.state == "failed" for result in fetched(names or FETCHED, cache, ref, url)):
        sys.exit(1)


def fetched(
    names: Sequence[str], cache: Path | None, ref: str, url: str
) -> Sequence[fetching.Fetched]:
    """Fetches, and says what became of each source; a failure on standard error."""
    with _progress(names) as report:
        results = fetching.fetch(
            list(names), cache or caching.default_folder(), ref=ref, url=url, report=report
        )
    for result in results:
        failed = result.state == "failed"
        click.echo(f"lofp-enrich: {result}" if failed else str(result), err=failed)
    return results


@contextmanager
def _progress(names: Sequence[str]) -> Iterator[Callable[[fetching.Progress], None]]:
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

        def show(progress: fetching.Progress) -> None:
            task, step = tasks[progress.name], progress.text or progress.step
            if progress.step == "download":
                bars.update(task, completed=progress.done, total=progress.total or None, step=step)
            else:
                bars.update(task, step=step)

        yield show


def _say_wait(progress: fetching.Progress) -> None:
    if progress.step == "wait":
        click.echo(f"lofp-enrich: {progress.name}: {progress.text}", err=True)


COMMANDS = (fetch,)
