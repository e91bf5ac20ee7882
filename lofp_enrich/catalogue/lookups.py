"""Entries to lookup files: rows, bytes, and what became of each file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lofp_enrich.catalogue import software
from lofp_enrich.catalogue.merge import identity
from lofp_enrich.catalogue.model import Catalogue, Entry
from lofp_enrich.catalogue.terms import Terms
from lofp_enrich.errors import LofpError
from lofp_enrich.files import replace_file
from lofp_enrich.model import Rule
from lofp_enrich.search.alert.names import retired_title, rule_key
from lofp_enrich.search.alert.platform import products_in
from lofp_enrich.search.answer.options import KINDS
from lofp_enrich.search.attack import Attack, parent
from lofp_enrich.search.knowledge import columns, family

_MAX_DESCRIPTION = 500
_MAX_TERMS = 12
"""Words of an entry in its own row, for a person to see, and where it is found without technique;
all of them are in its techniques' rows of `lofp_ranking.csv`."""
_COMMANDS = frozenset(("runshellscript",))
"""What AppInspect 4.3.1 refuses behind a bar, wherever it stands."""
WeightedTerms = Mapping[str, Sequence[tuple[str, int]]]
"""Entry id -> (stem, weight), the heaviest first."""


class Origin(NamedTuple):
    """Where the rules of a source were taken from."""

    source: str
    commit: str = ""
    """40 hex digits, empty where the rules are no snapshot of a repository."""
    date: str = ""
    """ISO date of that commit, empty where it is not known."""


def write(
    catalogue: Catalogue, attack: Attack, origins: Iterable[Origin], directory: Path
) -> dict[str, str]:
    """Writes all lookup files into `directory`; file name -> `created`, `updated` or `unchanged`.

    `lofp_local.csv` belongs to the site: it is made where there is none and never touched again.
    Raises LofpError where the folder cannot be written.
    """
    ranked = tuple(entry for entry in catalogue.entries if not entry.is_exclusion)
    weighted = Terms(replace(catalogue, entries=ranked))
    terms = {each.id: () if each.is_exclusion else weighted.of(each) for each in catalogue.entries}
    files = {
        "lofp_attack.csv": _csv(columns.ATTACK, _attack_rows(attack)),
        "lofp_entries.csv": _csv(columns.ENTRIES, _entry_rows(catalogue, terms)),
        "lofp_evidence.csv": _csv(columns.EVIDENCE, _evidence_rows(catalogue)),
        "lofp_meta.csv": _csv(columns.META, _meta_rows(catalogue, origins)),
        "lofp_ranking.csv": _csv(columns.RANKING, _ranking_rows(catalogue, terms)),
        "lofp_rules.csv": _csv(columns.RULES, _rule_rows(catalogue, attack)),
        "lofp_software.csv": _csv(columns.SOFTWARE, software.rows(catalogue.products)),
        "lofp_techniques.csv": _csv(columns.TECHNIQUES, _technique_rows(catalogue, attack)),
    }
    if not (directory / "lofp_local.csv").exists():
        files["lofp_local.csv"] = _csv(columns.LOCAL, ())
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return {name: replace_file(directory / name, data) for name, data in files.items()}
    except OSError as error:
        raise LofpError(
            f"{directory}: the lookups cannot be written ({error.strerror}); "
            "name another folder with --out."
        ) from error


def entry_products(rules: Iterable[Rule]) -> list[str]:
    """The products whose logs the rules read, by the names of `search.products`, sorted."""
    return sorted({product for rule in rules for product in rule_products(rule)})


def rule_products(rule: Rule) -> frozenset[str]:
    """The products whose logs a rule reads."""
    logsource = rule.logsource
    return products_in(f"{logsource.product} {logsource.service} {logsource.category}")


def _entry_rows(catalogue: Catalogue, terms: WeightedTerms) -> Iterator[Mapping[str, str]]:
    for entry in catalogue.entries:
        cited = entry.rules[0]
        yield {
            "entry_id": entry.id,
            "statement": entry.statement,
            "kind": entry.kind,
            "generated": "true" if entry.generated else "false",
            "check": entry.check,
            "against": entry.against,
            "software": "|".join(entry.conditions.software) if entry.conditions else "",
            "techniques": "|".join(entry.techniques),
            "products": "|".join(entry_products(entry.rules)),
            "sources": "|".join(dict.fromkeys(rule.source for rule in entry.rules)),
            "rule_count": str(len(entry.rules)),
            "rule_title": cited.title,
            "author": cited.author,
            "license": cited.license,
            "url": cited.url,
            "terms": _terms_cell(terms[entry.id][:_MAX_TERMS]),
        }


def _terms_cell(terms: Sequence[tuple[str, int]]) -> str:
    """Words with their weights. What vetting takes for a command behind a bar comes first, where
    there is none."""
    ordered = sorted(terms, key=lambda term: term[0] not in _COMMANDS)
    return "|".join(f"{word}:{weight}" for word, weight in ordered)


def _evidence_rows(catalogue: Catalogue) -> Iterator[Mapping[str, str]]:
    for entry in catalogue.entries:
        if entry.conditions:
            yield {
                "entry_id": entry.id,
                "software": "|".join(entry.conditions.software),
                "role": entry.conditions.role,
                "fits": entry.conditions.fits,
                "contradicts": entry.conditions.contradicts,
                "at_most": entry.conditions.at_most,
                "excluded_by": "|".join(sorted({rule.id for rule in entry.rules}))
                if entry.conditions.exclusion
                else "",
            }


def _ranking_rows(catalogue: Catalogue, terms: WeightedTerms) -> Iterator[Mapping[str, str]]:
    families: dict[str, list[family.Member]] = {}
    for entry in catalogue.entries:
        member = family.Member(
            entry.id,
            entry.kind,
            "1" if entry.check else "",
            len(entry.rules),
            frozenset(entry_products(entry.rules)),
            frozenset(rule.source for rule in entry.rules),
            entry.techniques,
        )
        for base in dict.fromkeys(map(parent, entry.techniques)):
            families.setdefault(base, []).append(member)
        if entry.kind == "benign":
            families.setdefault(family.ANY, []).append(member)
    most_about = {entry_id: each[:_MAX_TERMS] for entry_id, each in terms.items()}
    for base, members in sorted(families.items()):
        said = most_about if base == family.ANY else terms
        for part, entries, words in family.write(members, said):
            yield {"technique": base, "part": part, "entries": entries, "words": words}


def _rule_rows(catalogue: Catalogue, attack: Attack) -> Iterator[Mapping[str, str]]:
    entries: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in catalogue.entries:
        # What a rule leaves out cannot be why it fired.
        for rule in () if entry.is_exclusion else entry.rules:
            entries.setdefault(identity(rule), []).append(entry)
    titles = {rule_key(rule.title) for rule in catalogue.rules}
    for rule in catalogue.rules:
        stated = sorted(entries.get(identity(rule), ()), key=_best_first)
        # At a site, a rule may run on under the title that it had before its authors retired it.
        retired = rule_key(retired_title(rule.title))
        yield {
            "rule_key": retired if retired and retired not in titles else rule_key(rule.title),
            "source": rule.source,
            "rule_id": rule.id,
            "rule_title": rule.title,
            "level": rule.level,
            "status": "deprecated" if rule.deprecated else rule.status,
            "techniques": "|".join(sorted({attack.current(each) for each in rule.techniques})),
            "products": "|".join(sorted(rule_products(rule))),
            "description": rule.description[:_MAX_DESCRIPTION],
            "author": rule.author,
            "license": rule.license,
            "url": rule.url,
            "entry_ids": "|".join(entry.id for entry in stated),
        }


def _technique_rows(catalogue: Catalogue, attack: Attack) -> list[Mapping[str, str]]:
    pairs = [(each, entry) for entry in catalogue.entries for each in entry.techniques]
    return [
        {
            "technique": technique,
            "technique_name": attack.name(technique),
            "entry_id": entry.id,
            "statement": entry.statement,
            "kind": entry.kind,
            "source": entry.rules[0].source,
            "rule_title": entry.rules[0].title,
            "author": entry.rules[0].author,
            "rule_count": str(len(entry.rules)),
            "url": entry.rules[0].url,
        }
        for technique, entry in sorted(pairs, key=lambda pair: (pair[0], *_best_first(pair[1])))
    ]


def _attack_rows(attack: Attack) -> Iterable[Mapping[str, str]]:
    return (attack.rows[technique] for technique in sorted(attack.rows))


def _meta_rows(catalogue: Catalogue, origins: Iterable[Origin]) -> Iterator[Mapping[str, str]]:
    """`rules` counts those that state something, which `lofp_rules.csv` has more than."""
    for origin in sorted(origins):
        rules = {
            identity(rule): rule
            for entry in catalogue.entries
            for rule in entry.rules
            if rule.source == origin.source
        }
        licenses = {rule.license for rule in rules.values() if rule.license}
        yield {
            "source": origin.source,
            "commit": origin.commit,
            "date": origin.date,
            "license": "|".join(sorted(licenses)),
            "rules": str(len(rules)),
            "entries": str(
                sum(any(r.source == origin.source for r in e.rules) for e in catalogue.entries)
            ),
        }


def _best_first(entry: Entry) -> tuple[int, int, str]:
    """The order without an alert to rank for: kind, then how many rules say it, then id."""
    return KINDS.index(entry.kind), -len(entry.rules), entry.id


def _csv(header: tuple[str, ...], rows: Iterable[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([columns.to_cell(_line(row[name])) for name in header])
    return text.getvalue().encode("utf-8", errors="replace")


def _line(text: str) -> str:
    """`text` on one line, whatever a rule holds: the command finds rows by their lines."""
    return " ".join(text.split())
