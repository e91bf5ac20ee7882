"""The results of an alert with what explains them, as events and as words for an analyst."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from lofp_enrich.search.answer.enrich import Answer, Enricher, Values
from lofp_enrich.search.answer.evidence import CONTRADICTS
from lofp_enrich.search.answer.explanation import Explanation
from lofp_enrich.search.answer.options import Options
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.splunk.rows import Columns

_FINDING = re.compile(r"[\w-]+@@[\w-]+@@\w+")
"""`<indexer>@@notable@@<hash or time>`: Windows calls its event numbers `event_id`, too."""
_FINDING_FIELDS = ("event_id", "finding_id", "rule_id")
_LINK_FIELDS = (*_FINDING_FIELDS, "_time", "rid", "orig_sid", "orig_rid", "search_name")
_MAX_COMMENT = 4000


class Explained(NamedTuple):
    """A result of the alert with its explanations."""

    answer: Answer
    links: dict[str, str]
    """What leads from an explanation back to the result; `event_id` only where it is a finding."""


def explain(
    results: Iterator[Values], enricher: Enricher, *, sid: str, rid: str, search_name: str
) -> Iterator[Explained]:
    """The results with their explanations.

    The links are those of adaptive response: a result that comes of an earlier search, as a finding
    does, belongs to that search's `orig_sid` and `orig_rid`, any other to this one's.
    """
    for number, values in enumerate(results):
        single = {field: values[field][0] for field in _LINK_FIELDS if field in values}
        here = rid or single.get("rid") or str(number)
        ids = (single.get(field, "") for field in _FINDING_FIELDS)
        links = {
            "orig_sid": single.get("orig_sid") or sid,
            "orig_rid": single.get("orig_rid", "") if single.get("orig_sid") else here,
            "sid": sid,
            "rid": here,
            "search_name": single.get("search_name") or search_name,
            "event_id": next(filter(_FINDING.fullmatch, ids), ""),
            "orig_time": single.get("_time", ""),
        }
        yield Explained(enricher.answer(values), links)


def read_results(path: Path) -> Iterator[Values]:
    """All fields of each row of a gzipped CSV of splunkd's, save what the command has put there.

    Raises SearchError, before or between rows, where the file is missing or damaged.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.reader(line.replace("\0", "\ufffd") for line in file)
            table = Columns(next(rows, []), [], multivalue=True, prefix=Options().prefix)
            for row in rows:
                if row:
                    table.key(row)
                    yield table.values(row)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SearchError(f"the results of the alert cannot be read ({reason})") from None


def events(each: Explained, action: str) -> Iterator[str]:
    """A JSON event for each explanation of a result, or one that says that there is none."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    common: dict[str, object] = {"time": now, "orig_action_name": action}
    common.update((name, value) for name, value in each.links.items() if value)
    common.update(lofp_status=each.answer.status, lofp_count=each.answer.total)
    for rank, explanation in enumerate(each.answer.explanations, 1):
        fields = {f"lofp_{name}": text for name, text in explanation._asdict().items() if text}
        yield json.dumps({**common, "lofp_rank": rank, **fields})
    if not each.answer.explanations:
        yield json.dumps(common)


_WORDS = {CONTRADICTS: "contradicted"}
"""What a state of evidence is called in a sentence, where that is not its name."""
_UNDECIDED = "nothing in the alert decides it"


def comment_text(answer: Answer) -> str:
    """The explanations of a finding as an analyst reads them, with whose words they are.

    What the alert itself says for or against the first of them comes before all else.
    """
    shown = len(answer.explanations)
    lines = [_standing(each) for each in answer.explanations[:1]]
    lines.append(
        f"Harmless explanations (LoFP), {shown} of {answer.total}, each a question to check, never"
        " a verdict:"
    )
    for rank, each in enumerate(answer.explanations, 1):
        lines.append(f"{rank}. {each.statement}")
        lines.append(f"   In this alert: {_standing(each)}")
        lines += [f"   Check: {each.check}"] if each.check else []
        lines += [f"   Against: {each.against}"] if each.against else []
        lines.append("   " + ", ".join(part for part in (each.rule, each.why, each.url) if part))
    return "\n".join(lines)[:_MAX_COMMENT]


def _standing(each: Explanation) -> str:
    """How an explanation stands to the alert, on one line whatever the alert says."""
    word = _WORDS.get(each.evidence, each.evidence)
    return f"{word}: {' '.join(each.because.split()) or _UNDECIDED}"


def first_link(explained: list[Explained], name: str) -> str:
    """A link of the result where there is just one, as in a response to a single finding."""
    links: Mapping[str, str] = explained[0].links if len(explained) == 1 else {}
    return links.get(name, "")
