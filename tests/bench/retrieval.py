"""How often the right statement is among the first: the retrieval benchmark beside the checkout.

    python -m tests.bench.retrieval BENCH_FOLDER

`cross` is the benchmark's own `run.py`, through the public command line. `own` ranks the statements
by what they say alone, as that task wants it: of an entry the text, the class, the techniques and
the number of rules, nothing of the rules that state it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lofp_enrich.build import ATTACK
from lofp_enrich.catalogue import lookups
from lofp_enrich.catalogue.merge import fold, merge
from lofp_enrich.model import FalsePositive, Location, Rule
from lofp_enrich.search.answer.enrich import Enricher
from lofp_enrich.search.answer.options import parse
from lofp_enrich.search.attack import Attack
from lofp_enrich.search.knowledge.index import LookupIndex
from lofp_enrich.search.knowledge.local import LocalRows


def cross(bench: Path) -> str:
    """The totals of the benchmark's `run.py`: catalogues without the alert's own source."""
    command = f"{sys.executable} -m lofp_enrich"
    done = subprocess.run(
        [sys.executable, bench / "run.py", "--lofp-enrich", command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()[-1]


def own(bench: Path, folder: Path) -> str:
    """The score of `eval.py` for our order of the statements."""
    entries = _read(bench / "entries.jsonl")
    ids = {fold(entry["text"]): entry["eid"] for entry in entries}
    attack = Attack.load(ATTACK)
    rules = (rule for entry in entries for rule in _rules(entry))
    lookups.write(merge(rules, attack), attack, (), folder)
    # All of a technique's statements in their order, those too that would be left out by default.
    options = parse({"max": "10", "match": "technique", "min_score": "0"})
    enricher = Enricher(LookupIndex.load(folder), LocalRows(), options)
    run = folder / "run.jsonl"
    with run.open("w", encoding="utf-8") as file:
        for alert in _read(bench / "dev" / "own.jsonl"):
            answer = enricher.answer(_values(alert))
            ranked = [ids[fold(each.statement)] for each in answer.explanations]
            file.write(json.dumps({"alert_id": alert["alert_id"], "ranked": ranked}) + "\n")
    done = subprocess.run(
        [sys.executable, bench / "eval.py", "score", "own", "dev", run],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def _rules(entry: dict[str, Any]) -> list[Rule]:
    """As many nameless rules as state the entry, so that only their number is known."""
    stated = (FalsePositive(entry["text"]),)
    return [
        Rule("lofp", f"{entry['eid']}-{n}", "", Location(""), tuple(entry["canonical"]), stated)
        for n in range(entry["n_rules"])
    ]


def _values(alert: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The alert under the field names that `run.py` gives it."""
    fields = alert["fields"] or {}
    values = {
        "annotations.mitre_attack.mitre_technique_id": alert["techniques"],
        "search_name": [alert["rule_name"]],
        "rule_description": [alert["description"]],
        "process_name": fields.get("process", []),
        "signature": fields.get("event", []),
        "object": fields.get("value", []),
        "vendor_product": alert["product"],
    }
    return {name: tuple(filter(None, texts)) for name, texts in values.items() if any(texts)}


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    print("cross, one source left out:", cross(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as scratch:
        print("own, statements alone:     ", own(Path(sys.argv[1]), Path(scratch)))
