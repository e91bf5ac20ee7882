"""The commands that bring the app into Splunk, or deal with an installed one."""

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

from lofp_enrich import __version__
from lofp_enrich.cli.options import LOOKUPS
from lofp_enrich.deploy.client import Client
from lofp_enrich.deploy.credentials import SESSION, TOKEN, find_secret
from lofp_enrich.deploy.package import APP, write_app
from lofp_enrich.deploy.push import Pushed, push_lookups
from lofp_enrich.deploy.status import Provenance, Status, status_of

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
    LOOKUPS,
)


def splunk_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where an installed app is, and with whose token."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@LOOKUPS
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("dist") / f"lofp_enrich-{__version__}.tar.gz",
    show_default=True,
    help="The archive.",
)
def package(directory: Path, out: Path) -> None:
    """Make the app archive that an admin installs in Splunk."""
    click.echo(f"{out}: {write_app(directory, out)}")


@click.command()
@splunk_options
@click.option("--apply", is_flag=True, help="Do it; otherwise only say what would change.")
@click.option("--take-over", is_flag=True, help="Ignore the lock of a push that died.")
@click.option("--quiet", is_flag=True, help="Say nothing where nothing changes, else one line.")
def push(directory: Path, apply: bool, take_over: bool, quiet: bool, **where: Any) -> None:
    """Update the lookups of an installed app, with nothing reinstalled.

    Needs the capabilities search, input_file and output_file. lofp_local.csv is never touched.
    """
    report = _say if Console(stderr=True).is_terminal and not quiet else _keep_quiet
    with installed_app(**where) as app:
        pushed = push_lookups(app, directory, apply=apply, take_over=take_over, report=report)
    for change in () if quiet else pushed.changes:
        click.echo(str(change))
    if pushed or not quiet:
        click.echo(summary(pushed))
    if leaves(pushed):
        sys.exit(1)


def leaves(pushed: Pushed) -> bool:
    """Whether something was left behind there; if so, it is said."""
    if pushed.left:
        left = ", ".join(pushed.left)
        click.echo(f"lofp-enrich: left behind there: {left}; the next push removes it.", err=True)
    return bool(pushed.left)


def summary(pushed: Pushed) -> str:
    """What a push did, in one sentence."""
    if not pushed:
        return "Nothing to change."
    if not pushed.applied:
        return "Nothing was changed yet; run it again with --apply."
    changed = [change.name for change in pushed.changes if change]
    return f"{len(changed)} lookups updated: {', '.join(changed)}."


@click.command()
@splunk_options
def status(directory: Path, **where: Any) -> None:
    """Show which lookups an installed app uses, against those of a folder here."""
    with installed_app(**where) as app:
        found = status_of(app, directory)
    click.echo(f"{found.app} {found.version} is installed.")
    Console().print(_status_table(found))


def _status_table(found: Status) -> Table:
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


def _commit(made: Provenance | None) -> str:
    if made is None:
        return "-"
    return " of ".join(part for part in (made.commit[:12], made.date) if part) or "no commit"


@contextmanager
def installed_app(
    url: str, app: str, owner: str, ca: Path | None, token_file: Path | None
) -> Iterator[Client]:
    """A client for an installed app; asks for the token where a person can be asked."""
    secret = find_secret(os.environ, token_file, _ask if sys.stdin.isatty() else None)
    with Client(url, secret, app=app, owner=owner, ca=ca) as client:
        yield client


def _ask() -> str:
    return str(click.prompt("Token for splunkd", hide_input=True, err=True))


def _say(line: str) -> None:
    click.echo(line, err=True)


def _keep_quiet(line: str) -> None:
    pass


COMMANDS = (package, push, status)
