"""The commands that deal with alerts outside Splunk: `enrich`, `explain` and `inspect`."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import click
from click.core import ParameterSource
from rich.console import Console

from lofp_enrich.build import ATTACK, read_and_merge
from lofp_enrich.catalogue.lookups import write
from lofp_enrich.cli.alertfile import FORMS, open_alerts
from lofp_enrich.cli.alerts import Ours, enrich_alerts, explanations_in, one_each, show_alerts
from lofp_enrich.cli.options import LOOKUPS
from lofp_enrich.cli.show import QUESTION, alert_table, print_explanations
from lofp_enrich.errors import LofpError, plain
from lofp_enrich.search.alert.fields import meanings
from lofp_enrich.search.alert.reader import as_lists, read
from lofp_enrich.search.alert.techniques import as_techniques, techniques_of
from lofp_enrich.search.answer.enrich import Enricher, load_enricher
from lofp_enrich.search.answer.options import Options, parse
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge.local import local_fields
from lofp_enrich.snapshots.cache import default_folder


def _say(sentence: str) -> None:
    # It may name what a rule's author or the sender of an alert wrote.
    click.echo(f"lofp-enrich: {plain(sentence)}", err=True)


def _options(arguments: dict[str, str]) -> Options:
    try:
        return parse({k: v for k, v in arguments.items() if v})
    except SearchError as error:
        raise click.UsageError(str(error)) from error


def _enricher(directory: Path, options: Options) -> Enricher:
    enricher, troubles = load_enricher(directory, options, datetime.now(timezone.utc).date())
    for trouble in troubles:
        _say(trouble)
    return enricher


@contextmanager
def _lookups(directory: Path) -> Iterator[Path]:
    """The folder of the lookups, or where none was named and none is here, one made for now.

    Whoever tries the command in any folder gets an answer, and is told of whose words it is.
    """
    if directory.is_dir():
        yield directory
        return
    source = click.get_current_context().get_parameter_source("directory")
    if source is not ParameterSource.DEFAULT:
        raise LofpError(
            f"{directory} is no folder of lookups; name theirs with --lookups, "
            "or run lofp-enrich build."
        )
    _say(
        f"there is no folder {directory} here, so the starter entries answer; for a catalogue of "
        "your own run lofp-enrich build, or name its folder with --lookups."
    )
    with TemporaryDirectory(prefix="lofp-enrich-") as made:
        built = read_and_merge((), default_folder())
        write(built.catalogue, built.attack, built.origins, Path(made))
        yield Path(made)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


@contextmanager
def _output() -> Iterator[TextIO]:
    """Standard output as UTF-8; where its reader has gone, that is the end and no fault."""
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    try:
        try:
            yield out
        finally:
            out.flush()
            out.detach()
    except BrokenPipeError:
        # What is still buffered has nobody to go to, which Python would tell at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _search_option(name: str, text: str) -> Callable[[Any], Any]:
    return click.option("--" + name.replace("_", "-"), name, default="", help=text)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default=Path("-"))
@LOOKUPS
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    help="Form of the alerts, where what they look like must not decide.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="JSON on a terminal, and of a table of alerts, too."
)
@_search_option("max", "Explanations an alert gets at most (3).")
@_search_option(
    "min_score", "Leave out what is less near (0 to 100, 1); 0 shows what shares nothing, too."
)
@_search_option("output", "brief or full (brief).")
@_search_option("match", "auto, rule, technique or exact (auto).")
@_search_option("kind", "Only these kinds: benign, generic, advice, actor.")
@_search_option("evidence", "Only what stands so to the alert: fits, resembles, open, contradicts.")
@_search_option("source", "Only explanations of these sources.")
@_search_option("product", "Only explanations for these products.")
@_search_option("technique_field", "Fields that hold techniques, instead of the known ones.")
@_search_option("rule_field", "Fields that hold the rule's name, instead of the known ones.")
@_search_option("context_fields", "Fields that say what the alert is about, too.")
@_search_option("prefix", "What output fields begin with (lofp_).")
@_search_option("expand", "true: one line an explanation (false).")
def enrich(file: Path, directory: Path, form: str | None, as_json: bool, **arguments: str) -> None:
    """Enrich alerts outside Splunk, with the code that runs inside it.

    FILE, or standard input, holds them as JSON in any layout, with or without what an export puts
    round it, as CSV, or as lines of text; gzip is unpacked. On a terminal the explanations of
    each alert are shown; otherwise each alert goes out as it came, with the output fields added.
    """
    options = _options(arguments)
    on_terminal = _is_terminal() and not as_json
    if on_terminal:
        # A person gets all that there is to say of an explanation.
        options = options._replace(output="full", expand=True)
    with _lookups(directory) as folder:
        enricher = _enricher(folder, options)
        with open_alerts(file, form, Ours(enricher.prefix)) as alerts, _output() as out:
            if on_terminal:
                tally = show_alerts(alerts, out, enricher, Attack.load(ATTACK))
            else:
                expand = options.expand
                tally = enrich_alerts(alerts, out, enricher, as_json=as_json, expand=expand)
    for trouble in (*enricher.troubles, *enricher.seen.missed):
        _say(trouble)
    if tally.faults:
        are = "line is" if tally.faults == 1 else "lines are"
        _say(
            f"{tally.faults} {are} no JSON object; they went through with the status error. Give "
            "an alert a line, an array of alerts, or a table (--format csv)."
        )
    if tally.alerts > tally.faults and not tally.read:
        _say(
            f"none of the {tally.alerts} alerts had anything that could be read: no technique, no "
            "rule; name the fields with --technique-field or look with lofp-enrich inspect."
        )
    if tally.faults or (tally.alerts and not tally.read):
        sys.exit(1)


@click.command()
@click.argument("techniques", nargs=-1, metavar="[TECHNIQUE...]")
@LOOKUPS
@click.option("--rule", default="", help="Name of the rule that fired; enough without a technique.")
@click.option(
    "--context", "context", multiple=True, metavar="K=V", help="A field of the alert. Repeatable."
)
@click.option("--max", "most", default="5", show_default=True, help="Explanations at most.")
@click.option("--json", "as_json", is_flag=True, help="Give the explanations as JSON.")
def explain(
    techniques: Sequence[str],
    directory: Path,
    rule: str,
    context: Sequence[str],
    most: str,
    as_json: bool,
) -> None:
    """Show the explanations of techniques, ranked as `enrich` would.

    TECHNIQUE is an ID, old or current, or ATT&CK's name of it.
    """
    if not techniques and not rule:
        raise click.UsageError("Missing argument 'TECHNIQUE...'; a rule alone will do: --rule NAME")
    values = _asked(techniques, rule, context)
    # Who asks for a technique wants to see what is under it, whatever else an alert would say.
    options = _options({"max": most, "output": "full", "min_score": "0", "expand": "true"})
    with _lookups(directory) as folder:
        attack = Attack.load(folder / "lofp_attack.csv")
        unknown = [each for each in techniques if not techniques_of(as_techniques([each]), attack)]
        enricher = _enricher(folder, options)
        outputs = enricher.outputs(values)
        for field in _unknown(_asked((), "", context), attack, folder):
            _say(
                f'--context names "{field[:100]}", which is no field that is known; give it as '
                "alerts spell it, such as process or CommandLine (docs/fields.md has them all)."
            )
    unknown_ones = f"{', '.join(unknown)} names no technique in these lookups."
    for trouble in enricher.troubles:
        _say(trouble)
    found = explanations_in(outputs, enricher.prefix)
    if as_json:
        each = [one_each(output, enricher.prefix) for output in outputs] if found else []
        click.echo(json.dumps(each, indent=2))
    if not found:
        none = f"{', '.join(techniques) or rule} has no explanation in these lookups."
        raise LofpError(unknown_ones if unknown else none)
    if not as_json:
        with _output() as out:
            console = Console(file=out, highlight=False)
            print_explanations(console, found, Attack.load(ATTACK))
            total = int(str(outputs[0][enricher.prefix + "count"]))
            console.print(
                f"{len(found)} of {total:,} explanations, each {QUESTION}", soft_wrap=True
            )
            if not context:
                hint = "Name what the alert says with --context to have them weighed."
                console.print(hint, soft_wrap=True)
    if unknown:
        raise LofpError(unknown_ones)


def _asked(techniques: Sequence[str], rule: str, context: Sequence[str]) -> dict[str, Any]:
    """An alert that says what was typed."""
    values = {"mitre_technique_id": tuple(techniques)} if techniques else {}
    if rule:
        values["rule_name"] = (rule,)
    for pair in context:
        field, equals, text = pair.partition("=")
        if not equals or not field:
            raise click.BadParameter(f"{pair!r} is not K=V.", param_hint="--context")
        values[field] = (*values.get(field, ()), text)
    return values


def _unknown(values: Mapping[str, Any], attack: Attack, folder: Path) -> list[str]:
    """Fields whose names add nothing to what their values say, and are in no own explanation."""
    try:
        own = local_fields(folder / "lofp_local.csv")
    except SearchError:
        own = ()  # said where the file was read

    def said(field: str, texts: Any) -> tuple[object, ...]:
        alert = read({field: texts}, attack)
        techniques = [each.technique for each in alert.techniques]
        return alert.values, techniques, alert.platform, alert.names

    return [
        field
        for field, texts in values.items()
        if not meanings(field) and field not in own and said(field, texts) == said("", texts)
    ]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default=Path("-"))
@click.option("--format", "form", type=click.Choice(FORMS), help="Form of the alerts.")
@click.option("--json", "as_json", is_flag=True, help="JSON on a terminal, too.")
def inspect(file: Path, form: str | None, as_json: bool) -> None:
    """Show what was understood of each alert, and from which field.

    FILE, or standard input, is as for enrich. On a terminal it is a table; otherwise one JSON
    object for each alert, in which every attribute is a list.
    """
    attack = Attack.load(ATTACK)
    on_terminal = _is_terminal() and not as_json
    count = understood = 0
    with open_alerts(file, form) as alerts, _output() as out:
        for alert in alerts:
            if alert.kind == "blank":
                continue
            found = read({"_raw": alert.text} if alert.kind == "fault" else alert.read, attack)
            count += 1
            understood += bool(found.values or found.techniques)
            if on_terminal:
                Console(file=out).print(alert_table(count, found))
            else:
                out.write(json.dumps(as_lists(found)) + "\n")
    if count and not understood:
        _say(
            f"none of the {count} alerts had a field that is known; is each one a line of JSON, or "
            "a row of a table whose first line names the fields?"
        )
        sys.exit(1)


COMMANDS = (enrich, explain, inspect)
