"""Enriches sample alerts through the command of a packaged app, and shows what comes back.

`python -m tests.demo APP.tar.gz`: unpacks the archive as Splunk would and runs its `lofpenrich` as
splunkd would, on the alerts of tests/data/demo-alerts.jsonl, which have the field names of
Enterprise Security, CloudTrail, Sysmon, Defender and Kubernetes.
"""

from __future__ import annotations

import csv
import json
import sys
import tarfile
import tempfile
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.splunkd import Event, FakeSplunkd, Result

ALERTS = Path(__file__).parent / "data" / "demo-alerts.jsonl"
SEARCH = "search index=alerts | lofpenrich output=full max=2"


def read_alerts() -> list[Event]:
    """The sample alerts: one JSON object a line, a list where a field has several values."""
    return [json.loads(line) for line in ALERTS.read_text(encoding="utf-8").splitlines()]


def install(archive: Path, etc: Path) -> Path:
    """Unpacks an app archive to where Splunk keeps its apps, and gives the app's folder."""
    apps = etc / "apps"
    with tarfile.open(archive) as tar:
        # Python 3.12 warns without a filter, and the first releases of 3.9 to 3.11 know none.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        tar.extractall(apps)
    return next(apps.iterdir())


def enrich(app: Path, python: str, alerts: list[Event], work_dir: Path) -> Result:
    """What `| lofpenrich` of an installed app makes of the alerts."""
    return FakeSplunkd(app, python, work_dir=work_dir).search(SEARCH, alerts)


def technique_names(app: Path) -> dict[str, str]:
    """Technique -> name, from the app's own lookup."""
    with (app / "lookups" / "lofp_attack.csv").open(encoding="utf-8", newline="") as file:
        return {row["technique"]: row["name"] for row in csv.DictReader(file)}


def table_of(events: list[Event], names: dict[str, str]) -> Table:
    """The enriched alerts as an analyst would want to see them."""
    table = Table(box=box.ROUNDED, show_lines=True, expand=True)
    table.add_column("alert", ratio=4)
    table.add_column("technique", ratio=3)
    heading = "harmless things that look like this, and how to tell"
    table.add_column(heading, ratio=15, overflow="fold")
    for event in events:
        table.add_row(_alert(event), _techniques(event, names), _explanations(event))
    return table


def _values(event: Event, field: str) -> list[str]:
    value = event.get(field, [])
    return [value] if isinstance(value, str) else value


def _alert(event: Event) -> Text:
    title = next(
        value
        for field in ("rule_title", "title", "alert_name", "risk_message")
        for value in _values(event, field)
    )
    text = Text(title, style="bold")
    text.append(f"\n{_values(event, 'vendor_product')[0]}", style="not bold dim")
    return text


def _techniques(event: Event, names: dict[str, str]) -> Text:
    techniques = dict.fromkeys(_values(event, "lofp_technique"))
    return Text("\n".join(f"{each} {names.get(each, '')}" for each in techniques))


def _explanations(event: Event) -> Text:
    text = Text()
    statements = _values(event, "lofp_statement")
    for number, statement in enumerate(statements):
        text.append(f"{number + 1}. {statement}\n", style="bold")
        text.append(f"Check: {_values(event, 'lofp_check')[number]}\n")
        text.append(
            f"{_values(event, 'lofp_why')[number]};"
            f" nearness {_values(event, 'lofp_score')[number]}\n",
            style="dim",
        )
    count = int(_values(event, "lofp_count")[0])
    more = count - len(statements)
    text.append(f"{more} more known" if more else f"{count} known", style="dim italic")
    return text


def main(archive: Path) -> int:
    """Shows the enriched alerts; 0 where every one was explained."""
    python = getattr(sys, "_base_executable", None) or sys.executable
    alerts = read_alerts()
    with tempfile.TemporaryDirectory() as folder:
        app = install(archive, Path(folder, "etc"))
        result = enrich(app, python, alerts, Path(folder))
        table = table_of(result.events, technique_names(app))
    for error in result.errors:
        print(error, file=sys.stderr)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(f"{SEARCH}  ({len(alerts)} sample alerts)", style="bold", highlight=False)
    console.print(table)
    console.print(
        f"The app is {archive}: install it in Splunk with Apps > Manage Apps > Install app from "
        'file, then try\n| makeresults | eval technique="T1059.001" | lofpenrich',
        highlight=False,
        soft_wrap=True,
    )
    return 0 if all(event.get("lofp_status") == "matched" for event in result.events) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
