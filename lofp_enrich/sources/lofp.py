"""Living off the False Positive: the pages its generator writes, and saved tag pages of the site.

The generator: https://github.com/brokensound77/LoFP, lofp/page.py. A page is a statement with all
rules that make it; a tag page lists the statements of a technique, without their rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from lofp_enrich.errors import RuleError
from lofp_enrich.model import FalsePositive, Location, LogSource, Rule
from lofp_enrich.sources import fields, tagpage, yamldoc
from lofp_enrich.sources.fields import RuleNode

_FRONT_MATTER = re.compile(r"---\n(.*?\n)---\n", re.DOTALL)
_LINK = re.compile(r"^- \[([^\]\n]*)\]", re.MULTILINE)
# "technicques" is how the generator spells it.
_SAMPLE = re.compile(
    r"^### (?P<title>.*)\n\n\* \*\*source\*\*: \[(?P<source>\w+)\]\((?P<url>[^()\s]*)\)\n"
    r"(?:\* \*\*technicques\*\*:\n(?P<techniques>(?:[ \t]+- .*\n)*))?",
    re.MULTILINE,
)
_DESCRIPTION = re.compile(r"\n+#### Description\n(.*?)(?=\n#### |\n### |\Z)", re.DOTALL)
_BLOB = re.compile(r"https://github\.com/[^/]+/[^/]+/blob/[^/]+/")
_RETIRED = frozenset({"_deprecated", "deprecated", "removed", "unsupported"})
_LICENSES = {"elastic": "Elastic-2.0", "sigma": "DRL-1.1", "splunk": "Apache-2.0"}


def parse(text: str, path: str) -> Iterator[Rule | RuleError]:
    """The sample rules of a page, or one rule that holds the statements of a tag page.

    The index pages under `tags/` say nothing but a name, and give nothing.
    """
    is_page = PurePosixPath(path).suffix.lower() == ".md"
    return fields.each(
        lambda rule: rule, _page(text, path) if is_page else tagpage.rules(text, path)
    )


def _page(text: str, path: str) -> Iterator[Rule]:
    front = _FRONT_MATTER.match(text)
    if not front or PurePosixPath(path).name == "_index.md":
        return
    header = next(yamldoc.documents("\n" + front[1], path), None)
    if isinstance(header, RuleError):
        raise header
    if not isinstance(header, RuleNode):
        raise RuleError("the front matter is no mapping", Location(path, 1))
    # The generator escapes quotes for YAML, and then lets YAML escape what it needs.
    title = fields.text(header, "title", required=True).replace('\\"', '"')
    rules = list(_samples(text, path))
    if not rules:
        raise RuleError("no rule under `## Sample rules`", Location(path, 1))
    links = _LINK.findall(text, front.end(), text.find("\n### ", front.end()))
    named = fields.technique_ids([*fields.texts(header, "tags"), *links])
    known = {technique for rule in rules for technique in rule.techniques}
    # What the page names and no rule of it does may be any rule's.
    rest = tuple(technique for technique in named if technique not in known)
    for rule in rules:
        statements = (FalsePositive(title),)
        yield replace(rule, falsepositives=statements, techniques=rule.techniques + rest)


def _samples(text: str, path: str) -> Iterator[Rule]:
    """The rules of a page, each once: an update of the generator writes them all again."""
    seen = set()
    line, position = 1, 0
    for sample in _SAMPLE.finditer(text):
        line += text.count("\n", position, sample.start())
        position = sample.start()
        rule = _rule(sample, Location(path, line))
        if rule.id not in seen:
            seen.add(rule.id)
            yield rule


def _rule(sample: re.Match[str], location: Location) -> Rule:
    file = PurePosixPath(_BLOB.sub("", sample["url"]))
    description = _DESCRIPTION.match(sample.string, sample.end())
    return Rule(
        source="lofp",
        id=f"{sample['source']}:{file}",
        title=fields.fold(sample["title"]),
        location=location,
        techniques=fields.technique_ids((sample["techniques"] or "").split("\n")),
        logsource=LogSource(product="|".join(file.parts[1:-1])),
        deprecated=not _RETIRED.isdisjoint(file.parts[:-1]),
        description=fields.cut(description[1] if description else ""),
        license=_LICENSES.get(sample["source"], ""),
        url=sample["url"],
    )
