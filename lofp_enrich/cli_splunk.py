"""The commands that deal with an installed app over splunkd's REST API."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from lofp_enrich import building, cli_fresh, lookups
from lofp_enrich import cache as caching
from lofp_enrich import fetch as fetching
from lofp_enrich import push as pushing
from lofp_enrich import status as inspecting
from lofp_enrich.credentials import SESSION, TOKEN, find_secret
from lofp_enrich.errors import LofpError
from lofp_enrich.package import APP
from lofp_enrich.splunkd import Splunkd

_OPTIONS: Sequence[Callable[[Any], Any]] = (
    click.option("--url", required=True, help="splunkd's management port: https://host:8089."),
    click.option("--app", default=APP, show_default=True, help="The app's folder there."),
    click.option("--owner", default="nobody", show_default=True, help="Owner of its lookups."),
    click.option(
        "--ca",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Certificates of the authority that vouches for splunkd.",
    ),
    click.option(
        "--token-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"File with the token, that you alone can read.  [default: {TOKEN} or {SESSION} of "
        "the environment, or a prompt]",
    ),
    click.option(
        "--lookups",
        "directory",
        type=click.Path(path_type=Path),
        default=Path("lookups"),
        show_default=True,
        help="Folder of the lookup files.",
    ),
)


def _splunk_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_splunk_options
@click.option("--apply", is_flag=True, help="Do it; otherwise only say what would change.")
@click.option("--take-over", is_flag=True, help="Ignore the lock of a push that died.")
@click.option("--quiet", is_flag=True, help="Say nothing where nothing changes, else one line.")
def push(directory: Path, apply: bool, take_over: bool, quiet: bool, **where: Any) -> None:
    """Update the lookups of an installed app, with nothing reinstalled.

    Needs the capabilities search, input_file and output_file. lofp_local.csv is never touched.
    """
    report = _say if Console(stderr=True).is_terminal and not quiet else _keep_quiet
    with _door(**where) as door:
        pushed = pushing.push(door, directory, apply=apply, take_over=take_over, report=report)
    for change in () if quiet else pushed.changes:
        click.echo(str(change))
    if pushed or not quiet:
        click.echo(_summary(pushed))
    if _leaves(pushed):
        sys.exit(1)


def _leaves(pushed: pushing.Pushed) -> bool:
    """Whether something was left behind there; if so, it is said."""
    if pushed.left:
        left = ", ".join(pushed.left)
        click.echo(f"lofp-enrich: left behind there: {left}; the next push removes it.", err=True)
    return bool(pushed.left)


def _summary(pushed: pushing.Pushed) -> str:
    if not pushed:
        return "Nothing to change."
    if not pushed.applied:
        return "Nothing was changed yet; run it again with --apply."
    changed = [change.name for change in pushed.changes if change]
    return f"{len(changed)} lookups updated: {', '.join(changed)}."


@click.command()
@_splunk_options
def status(directory: Path, **where: Any) -> None:
    """Show which lookups an installed app uses, against those of a folder here."""
    with _door(**where) as door:
        found = inspecting.status(door, directory)
    click.echo(f"{found.app} {found.version} is installed.")
    Console().print(_status_table(found))


def _status_table(found: inspecting.Status) -> Table:
    today = datetime.now(timezone.utc).date()
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("source", "there", "age in days", "rules", "here", "rules", ""):
        table.add_column(
            heading, justify="right" if heading in ("age in days", "rules") else "left"
        )
    for each in found.sources:
        age = each.there.age(today) if each.there else None
        table.add_row(
            each.source,
            _commit(each.there),
            "" if age is None else f"{age:,}",
            each.there.rules if each.there else "",
            _commit(each.here),
            each.here.rules if each.here else "",
            each.verdict,
        )
    return table


def _commit(made: inspecting.Provenance | None) -> str:
    if made is None:
        return "-"
    return " of ".join(part for part in (made.commit[:12], made.date) if part) or "no commit"


@contextmanager
def _door(
    url: str, app: str, owner: str, ca: Path | None, token_file: Path | None
) -> Iterator[Splunkd]:
    secret = find_secret(os.environ, token_file, _ask if sys.stdin.isatty() else None)
    with Splunkd(url, secret, app=app, owner=owner, ca=ca) as door:
        yield door


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(cli_fresh.FETCHED), metavar="[NAME]...")
@cli_fresh.SOURCE
@cli_fresh.CACHE
@click.option("--mirror", default="", help="Base of a mirror of api.github.com and github.com.")
@_splunk_options
def refresh(
    names: Sequence[str],
    sources: Sequence[building.Named],
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
    cache = cache or caching.default_folder()
    wanted = names or cli_fresh.FETCHED
    results = fetching.fetch(list(wanted), cache, url=mirror)
    failed = [result for result in results if result.state == "failed"]
    for result in failed:
        click.echo(f"lofp-enrich: {result}", err=True)
    missing = [name for name in wanted if not caching.snapshot(name, cache)]
    if missing:
        raise LofpError(f"{', '.join(missing)}: no snapshot to build from; Splunk was not touched.")
    held = [(name, None) for name in cli_fresh.FETCHED if caching.snapshot(name, cache)]
    built = building.build([*held, *sources], cache)
    errors = [error for reading in built.readings for error in reading.errors]
    for error in errors:
        click.echo(str(error), err=True)
    silences = list(filter(None, map(building.silence, built.readings)))
    if silences:
        raise LofpError(f"{' '.join(silences)} Splunk was not touched.")
    lookups.write(built.catalogue, built.attack, built.origins, directory)
    with _door(**where) as door:
        pushed = pushing.push(door, directory, apply=True)
    if pushed:
        click.echo(_summary(pushed))
    if _leaves(pushed) or failed or errors:
        sys.exit(1)


def _ask() -> str:
    return str(click.prompt("Token for splunkd", hide_input=True, err=True))


def _say(line: str) -> None:
    click.echo(line, err=True)


def _keep_quiet(line: str) -> None:
    pass


COMMANDS = (push, refresh, status)
