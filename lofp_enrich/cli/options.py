"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from lofp_enrich.build import Named
from lofp_enrich.snapshots.fetch import REPOSITORIES
from lofp_enrich.sources import SOURCES

FETCHED = tuple(REPOSITORIES)
"""What can be fetched, and then be read without a path."""


def _named_paths(ctx: click.Context, param: click.Parameter, value: Sequence[str]) -> list[Named]:
    named: list[Named] = []
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

LOOKUPS = click.option(
    "--lookups",
    "directory",
    type=click.Path(path_type=Path),
    default=Path("lookups"),
    show_default=True,
    help="Folder of the lookup files.",
)
