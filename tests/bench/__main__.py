"""`make bench`: the budgets as ratios, each measured against its yardstick in the same run.

    python -m tests.bench FULL_APP QUARTER_APP CORPORA

FULL_APP is the packaged app with the catalogue of all sources, QUARTER_APP one with a quarter of
its entries, CORPORA the folder of the rule archives.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.alerts import Alert, alerts, costly, session
from tests.demo import install

ROUNDS = 5
BASELINES = Path(__file__).with_name("baselines.py")


class Cost(NamedTuple):
    """What one run of a process used."""

    seconds: float
    """Processor time, user and system: it says more than the clock on a busy machine."""
    megabytes: float


def cost(command: Sequence[object], stdin: Path) -> Cost:
    """Runs a command to its end in a child whose usage is its own."""
    measure = (
        "import json,resource,subprocess,sys\n"
        "with open(sys.argv[1],'rb') as f:\n"
        "    subprocess.run(sys.argv[2:],stdin=f,stdout=subprocess.DEVNULL,check=True)\n"
        "u=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([u.ru_utime+u.ru_stime,u.ru_maxrss/1024]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", measure, str(stdin), *map(str, command)],
        check=True,
        stdout=subprocess.PIPE,
    )
    return Cost(*json.loads(done.stdout))


def ratio(
    ours: Callable[[], Cost], theirs: Callable[[], Cost], rounds: int = ROUNDS
) -> tuple[Cost, Cost, Cost]:
    """(ours, theirs, ratio): medians over rounds in which both run one after the other."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, yardstick = (
        Cost(*(statistics.median(values) for values in zip(*costs))) for costs in zip(*pairs)
    )
    ratios = [Cost(a.seconds / b.seconds, a.megabytes / b.megabytes) for a, b in pairs]
    return mine, yardstick, Cost(*(statistics.median(values) for values in zip(*ratios)))


class Bench:
    """The app under measurement and its yardsticks."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.app = install(archive, folder)
        self.folder = folder

    def command(self) -> list[object]:
        """Our search command, as splunkd starts it."""
        return [sys.executable, self.app / "bin" / "lofpenrich.py"]

    def baseline(self, kind: str) -> list[object]:
        """A yardstick on the same splunklib."""
        return [sys.executable, BASELINES, self.app / "bin" / "lib", kind]

    def stdin(
        self, name: str, events: Sequence[Alert], arguments: Sequence[str] = (), chunk: int = 2500
    ) -> Path:
        """A session with all fields of the events."""
        return self._write(name, session(events, list(events[0]), arguments, chunk))

    def narrowed(self, name: str, events: Sequence[Alert], chunk: int = 2500) -> Path:
        """A session as splunkd feeds it to a command that asks for fields."""
        probe = self._write("probe", session([], ["x"], [], 1))
        with probe.open("rb") as file:
            done = subprocess.run(
                list(map(str, self.command())), stdin=file, stdout=subprocess.PIPE, check=True
            )
        head, rest = done.stdout.split(b"\n", 1)
        wanted = json.loads(rest[: int(head.split(b",")[1])])["required_fields"]
        numbered = [{**event, "_chunked_idx": str(n)} for n, event in enumerate(events)]
        return self._write(name, session(numbered, [*wanted, "_chunked_idx"], [], chunk))

    def _write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


class Line(NamedTuple):
    """A line of the result: what, budget, measured, and the two figures behind it."""

    what: str
    budget: float
    measured: float
    ours: str
    theirs: str


def search_budgets(bench: Bench) -> list[Line]:
    """Time and memory of the search command."""
    lines = []
    for contexts, most in ((0, 4.0), (6_000, 2.0), (2_000, 1.3)):
        ours, theirs, both = _against_constants(bench, contexts)
        which = f"{contexts:,} in turn" if contexts else "all different"
        lines.append(_seconds(f"100,000 alerts, {which}: SDK constants", most, ours, theirs, both))
        if not contexts:
            lines.append(_memory("the same, memory: SDK constants", 1.5, ours, theirs, both))
    wide = list(alerts(50_000, width=150, contexts=2_000))
    all_fields, few_fields = bench.stdin("wide", wide), bench.narrowed("narrowed", wide)
    ours, theirs, both = ratio(
        lambda: cost(bench.command(), few_fields),
        lambda: cost(bench.baseline("nothing"), all_fields),
        3,
    )
    lines.append(_seconds("narrow of 150 fields: SDK nothing on all", 0.6, ours, theirs, both))
    events = list(alerts(50_000, contexts=2_000))
    few, every = bench.narrowed("few", events), bench.stdin("every", events, ["narrow=f"])
    ours, theirs, both = ratio(
        lambda: cost(bench.command(), few), lambda: cost(bench.command(), every), 3
    )
    lines.append(_seconds("narrow on 20 fields: not narrow", 1.3, ours, theirs, both))
    one = bench.stdin("one", list(alerts(1)))
    ours, theirs, both = ratio(
        lambda: cost(bench.command(), one), lambda: cost(bench.baseline("nothing"), one), 15
    )
    lines.append(_seconds("start to first event: SDK nothing", 1.65, ours, theirs, both))
    plain = bench.stdin("plain", list(alerts(20_000)), ["narrow=f"])
    tenth = bench.stdin("tenth", list(alerts(2_000)), ["narrow=f"])
    ours, theirs, both = ratio(
        lambda: cost(bench.command(), plain), lambda: cost(bench.command(), tenth), 3
    )
    lines.append(_seconds("10 x the alerts: 1 x", 10.5, ours, theirs, both))
    hostile = bench.stdin("hostile", list(costly(2_000)), ["narrow=f"])
    start = cost(bench.command(), one).seconds
    ours, theirs, both = ratio(
        lambda: _without(start, cost(bench.command(), hostile)),
        lambda: _without(start, cost(bench.command(), tenth)),
        3,
    )
    lines.append(_seconds("50 techniques, 20 kB of new words: plain", 10.0, ours, theirs, both))
    return lines


def _against_constants(bench: Bench, contexts: int) -> tuple[Cost, Cost, Cost]:
    """100,000 alerts, against a command that writes the same fields and looks at nothing."""
    events = bench.stdin("events", list(alerts(100_000, contexts=contexts)), ["narrow=f"])
    return ratio(
        lambda: cost(bench.command(), events), lambda: cost(bench.baseline("constants"), events), 3
    )


def _without(start: float, whole: Cost) -> Cost:
    """What a run costs besides its start."""
    return Cost(whole.seconds - start, whole.megabytes)


def growth_budget(full: Bench, quarter: Bench) -> Line:
    """The same alerts against four times the catalogue."""
    events = full.stdin("growth", list(alerts(20_000)), ["narrow=f"])
    ours, theirs, both = ratio(
        lambda: cost(full.command(), events), lambda: cost(quarter.command(), events), 3
    )
    return _seconds("4 x the catalogue: 1 x", 1.2, ours, theirs, both)


def build_budget(corpora: Path, folder: Path) -> Line:
    """`build` of the rule archives, against one pass of the parsers over the same files."""
    sources = [f"--source={s}={corpora / (s + '.tar.gz')}" for s in ("sigma", "elastic", "splunk")]
    build = [sys.executable, "-m", "lofp_enrich", "build", *sources, "--out", folder / "built"]
    parse = [sys.executable, "-m", "tests.bench.parse", corpora]
    nothing = Path("/dev/null")
    ours, theirs, both = ratio(lambda: cost(build, nothing), lambda: cost(parse, nothing), 3)
    return _seconds("build of three archives: one parser pass", 2.5, ours, theirs, both)


def _seconds(what: str, budget: float, ours: Cost, theirs: Cost, both: Cost) -> Line:
    return Line(what, budget, both.seconds, f"{ours.seconds:.2f} s", f"{theirs.seconds:.2f} s")


def _memory(what: str, budget: float, ours: Cost, theirs: Cost, both: Cost) -> Line:
    return Line(
        what, budget, both.megabytes, f"{ours.megabytes:.0f} MB", f"{theirs.megabytes:.0f} MB"
    )


def main(full_app: Path, quarter_app: Path, corpora: Path) -> int:
    """Prints the table; 1 where a budget is not held."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        full, quarter = Bench(full_app, Path(one)), Bench(quarter_app, Path(other))
        lines = search_budgets(full)
        lines.append(growth_budget(full, quarter))
        lines.append(build_budget(corpora, Path(one)))
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("what: against what", "budget", "measured", "ours", "theirs", ""):
        table.add_column(heading, justify="left" if heading.startswith("what") else "right")
    for line in lines:
        held = "holds" if line.measured <= line.budget else "NOT HELD"
        table.add_row(
            line.what, f"{line.budget} x", f"{line.measured:.2f} x", line.ours, line.theirs, held
        )
    Console().print(table)
    return int(any(line.measured > line.budget for line in lines))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))
