"""Rule repositories: what each holds, and `read`, which gives its rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable
from urllib.parse import quote

from lofp_enrich.errors import LofpError, RuleError
from lofp_enrich.model import Rule
from lofp_enrich.sources import (
    archive,
    checkout,
    elastic,
    entries,
    escu,
    lofp,
    lolrmm,
    sigma,
    splunk,
)
from lofp_enrich.sources.archive import TextFile

__all__ = ["SOURCES", "Reading", "Source", "read", "starter"]

_BRANCHES = frozenset({"develop", "main", "master"})
"""What the archive of a branch is named by, where git wrote the commit into it."""
_STARTER = Path(__file__).parent.parent / "starter"


@dataclass(frozen=True)
class Source:
    """A kind of rule repository."""

    name: str
    suffixes: tuple[str, ...]
    """How the names of its rule files end, in lower case."""
    parse: Callable[[str, str], Iterator[Rule | RuleError]]
    """(text, path) -> the rules of one file, and what of it could not be read; never raises."""
    license: str = ""
    """The licence of its repository, for rules from there that do not say their own."""
    repository: str = ""
    """`owner/name` on GitHub, for links to rules."""
    file_bytes: int = archive.FILE_BYTES


SOURCES = {
    source.name: source
    for source in (
        Source("sigma", (".yml", ".yaml"), sigma.parse, "DRL-1.1", "SigmaHQ/sigma"),
        Source("elastic", (".toml",), elastic.parse, "Elastic-2.0", "elastic/detection-rules"),
        Source("splunk", (".yml", ".yaml"), splunk.parse, "Apache-2.0", "splunk/security_content"),
        Source("escu", ("savedsearches.conf",), escu.parse, file_bytes=64 * 2**20),
        Source("lofp", (".md", ".html", ".htm", ".txt"), lofp.parse),
        Source("lolrmm", (".yml", ".yaml"), lolrmm.parse, "Apache-2.0", lolrmm.REPOSITORY),
        Source("entries", (".yml", ".yaml", ".csv"), entries.parse),
    )
}
"""All sources by name; to add one is to add a line here and a folder to tests/data."""


@dataclass(frozen=True)
class Reading:
    """What was read of one source."""

    source: str
    rules: tuple[Rule, ...]
    """In order of path, then of place in the file."""
    errors: tuple[RuleError, ...]
    """What could not be read, in the same order."""
    files: int
    """Files that held a rule, or were to hold one and could not be read."""
    left_out: int
    """Rules not in `rules` because their authors retired them."""
    commit: str
    """The commit of the repository, 40 hex digits; empty where it is not known."""


def read(source: str, path: Path, *, notes: bool = True, deprecated: bool = False) -> Reading:
    """The rules of a source at a path: a folder, an archive as GitHub serves it, or one file.

    Without `notes` the statements of investigation guides are left out, without `deprecated` the
    retired rules. Raises LofpError for an unknown source, a path where nothing is, and an archive
    that can't be read; a bad rule is an error in the result and costs no other.
    """
    if source not in SOURCES:
        raise LofpError(f"{source}: no such source; the sources are {', '.join(SOURCES)}.")
    kind = SOURCES[source]
    found = archive.contents(
        path, lambda name: name.lower().endswith(kind.suffixes), kind.file_bytes
    )
    results = [
        result
        for file in sorted(found.files, key=_place)
        for result in ([file] if isinstance(file, RuleError) else kind.parse(file.text, file.path))
    ]
    rules = [result for result in results if isinstance(result, Rule)]
    errors = [result for result in results if isinstance(result, RuleError)]
    commit, base = _links(kind, path, found)
    kept = [rule for rule in rules if deprecated or not rule.deprecated]
    return Reading(
        source=source,
        rules=tuple(_finished(rule, kind, base, notes) for rule in kept),
        errors=tuple(errors),
        files=len({result.location.path for result in results}),
        left_out=len(rules) - len(kept),
        commit=commit,
    )


def _place(file: TextFile | RuleError) -> str:
    return file.path if isinstance(file, TextFile) else file.location.path


def _links(source: Source, path: Path, found: archive.Contents) -> tuple[str, str]:
    """The commit, and the address that a rule's path is appended to; empty where not known."""
    if not source.repository:
        return "", ""
    owner, _, name = source.repository.partition("/")
    # The whole name: `sigma-rules-<commit>` is the archive of another repository.
    of = next((each for each in (f"{name}-", f"{owner}-{name}-") if found.top.startswith(each)), "")
    version = found.top[len(of) :]
    named = len(version) >= 7 and found.commit.startswith(version)
    if of and found.commit and (named or version in _BRANCHES):
        return found.commit, f"https://github.com/{source.repository}/blob/{found.commit}/"
    place = checkout.find(path) if path.is_dir() else None
    return (place.commit, place.url) if place else (found.commit, "")


def _finished(rule: Rule, source: Source, base: str, notes: bool) -> Rule:
    """The rule with what only its source knows, and with the statements that were asked for."""
    own = base.lower().startswith(f"https://github.com/{source.repository}/".lower())
    return replace(
        rule,
        falsepositives=tuple(fp for fp in rule.falsepositives if notes or not fp.note),
        license=rule.license or (source.license if own else ""),
        url=rule.url or (base + quote(rule.location.path) if base else ""),
    )


def starter() -> Reading:
    """The entries that come with this package, in its own name and under its licence."""
    reading = read("entries", _STARTER / "entries")
    return replace(reading, rules=tuple(_own(rule) for rule in reading.rules))


def _own(rule: Rule) -> Rule:
    location = replace(rule.location, path=f"starter/{rule.location.path}")
    license = rule.license or "Apache-2.0"
    return replace(rule, location=location, author=rule.author or "lofp_enrich", license=license)
