"""The command `lofp-enrich`: its sub-commands, and what becomes of errors."""

from __future__ import annotations

from typing import Any

import click

from lofp_enrich import __version__
from lofp_enrich.cli import build, enrich, fresh, splunk
from lofp_enrich.errors import LofpError
from lofp_enrich.search.errors import SearchError


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


for command in (*build.COMMANDS, *enrich.COMMANDS, *fresh.COMMANDS, *splunk.COMMANDS):
    main.add_command(command)
