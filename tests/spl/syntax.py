"""As much of Splunk's search language as it takes to see that a search could run.

Pipelines, quotes, brackets, subsearches and macros; not what a command makes of its arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

GENERATING = frozenset(
    """
    datamodel dbinspect eventcount from gentimes history inputcsv inputlookup loadjob makeresults
    mcatalog metadata metasearch mpreview mstats multisearch pivot rest savedsearch search
    searchtxn set tstats typeahead union walklex
    """.split()
)
"""Commands that a search may begin with after a pipe."""

COMMANDS = GENERATING | frozenset(
    """
    abstract accum addcoltotals addinfo addtotals analyzefields anomalies anomalousvalue
    anomalydetection append appendcols appendpipe arules associate autoregress bin bucket
    bucketdir chart cluster cofilter collect concurrency contingency convert correlate dedup
    delete delta diff erex eval eventstats extract fieldformat fields fieldsummary filldown
    fillnull findtypes folderize foreach format fromjson gauge geom geomfilter geostats head
    highlight iconify input iplocation join kmeans kv localize localop lookup makecontinuous
    makemv map mcollect meventcollect multikv mvcombine mvexpand nomv outlier outputcsv
    outputlookup outputtext overlap predict rangemap rare redistribute regex relevancy
    reltime rename replace require rest return reverse rex rtorder scrub selfjoin sendalert
    sendemail setfields sichart sirare sistats sitimechart sitop sort spath stats strcat
    streamstats table tags tail timechart timewrap tojson top transaction transpose
    trendline tscollect typelearner typer uniq untable where x11 xmlkv xmlunescape xpath
    xyseries
    """.split()
)
"""Splunk's own commands, of every version from 9 on."""

FUNCTIONS = frozenset(
    """
    abs acos acosh asin asinh atan atan2 atanh avg bit_and bit_not bit_or bit_shift_left
    bit_shift_right bit_xor c case ceil ceiling cidrmatch cluster coalesce commands cos cosh count
    dc distinct_count earliest earliest_time estdc estdc_error eval exact exp false first floor
    hypot if in ipmask isarray isbool isdouble isint ismv isnotnull isnull isnum isobject isstr
    json json_append json_array json_array_to_mv json_delete json_entries json_extend json_extract
    json_extract_exact json_has_key_exact json_keys json_object json_set json_set_exact json_valid
    last latest latest_time len like list ln log lookup lower ltrim match max md5 mean median min
    mode mvappend mvcount mvdedup mvfilter mvfind mvindex mvjoin mvmap mvrange mvreverse mvsort
    mvzip now null nullif per_day per_hour per_minute per_second pi pow printf random range rate
    relative_time replace round rtrim searchmatch sha1 sha256 sha512 sigfig sin sinh spath split
    sqrt stdev stdevp strftime strptime substr sum sumsq tan tanh time toarray tobool todouble
    toint tomv tonumber toobject tostring trim true typeof upper urldecode validate values var varp
    """.split()
)
"""Functions of eval and of stats, without percentiles (`perc95`)."""

_EVALUATING = frozenset(
    "eval where fieldformat stats eventstats streamstats chart timechart tstats".split()
)
_QUOTED = r'"(?:\\.|[^"\\])*"'
_FIELD = r"'[^'|\n]*'"
_WORD = re.compile(rf'(?:{_QUOTED}|[^\s,"])+')
_COMMENT = re.compile("```.*?```", re.DOTALL)
_BACKTICKED = re.compile(rf"{_QUOTED}|`([^`]*)`")
_CALL = re.compile(r"([\w:-]+)(?:\((.*)\))?", re.DOTALL)
_ARGUMENT = re.compile(rf"\s*({_QUOTED}|[^,]*)\s*(?:,|\Z)")
_FUNCTION = re.compile(r"\b([a-z_]\w*)\(", re.IGNORECASE)
_MAX_EXPANSIONS = 20


class SplError(ValueError):
    """What is wrong with a search, in a few words."""


@dataclass(frozen=True)
class Command:
    """A command of a pipeline."""

    name: str
    arguments: str
    """All after the name; where a subsearch stood there is `[]`."""
    subsearches: tuple[tuple[Command, ...], ...] = ()
    text: str = ""
    """All after the name, as it was typed."""

    @property
    def words(self) -> list[str]:
        """The arguments, split at blanks and commas, without the quotes around them."""
        found = _WORD.findall(self.arguments)
        return [re.sub(_QUOTED, lambda quoted: quoted[0][1:-1], word) for word in found]

    @property
    def functions(self) -> set[str]:
        """The functions that an evaluating command calls, lower case."""
        if self.name not in _EVALUATING:
            return set()
        bare = re.sub(f"{_QUOTED}|{_FIELD}", '""', self.arguments)
        return {name.lower() for name in _FUNCTION.findall(bare)} - {"by", "as", "and", "or", "not"}


@dataclass(frozen=True)
class Macro:
    """A macro of an app."""

    definition: str
    arguments: tuple[str, ...] = ()
    validation: str = ""
    errormsg: str = ""

    def __call__(self, values: list[str]) -> str:
        return self._filled(self.definition, values)

    def condition(self, values: list[str]) -> str:
        """The expression that must be true of these values; empty where any will do."""
        return self._filled(self.validation, values)

    def _filled(self, text: str, values: list[str]) -> str:
        for name, value in zip(self.arguments, values):
            text = text.replace(f"${name}$", value)
        return text


def macros_of(stanzas: Mapping[str, Mapping[str, str]]) -> dict[str, Macro]:
    """The macros of a macros.conf, by their names there: `name(2)`."""
    return {
        name: Macro(
            stanza.get("definition", ""),
            tuple(each.strip() for each in stanza.get("args", "").split(",") if each.strip()),
            stanza.get("validation", ""),
            stanza.get("errormsg", ""),
        )
        for name, stanza in stanzas.items()
    }


@dataclass
class _Reader:
    text: str
    at: int = 0
    subsearches: list[tuple[Command, ...]] = field(default_factory=list)


def parse(search: str) -> tuple[Command, ...]:
    """The pipeline of a search, which has no macros of its own any more.

    Raises SplError for what does not balance, for an empty command and for one without a name.
    """
    reader = _Reader(_COMMENT.sub(" ", search).strip())
    pipeline = _pipeline(reader, "")
    assert reader.at == len(reader.text)
    return pipeline


def every(pipeline: tuple[Command, ...]) -> list[Command]:
    """All commands of a pipeline and of the subsearches in it."""
    return [
        each
        for command in pipeline
        for each in [command, *(inner for sub in command.subsearches for inner in every(sub))]
    ]


def expand(
    search: str,
    macros: Mapping[str, Macro],
    foreign: Collection[str] = (),
    holds: Callable[[str], bool] = lambda condition: True,
) -> str:
    """The search with the macros of the app put in, by their names as in macros.conf: `name(2)`.

    Raises SplError for a macro that is neither in `macros` nor `foreign`, for a loop, and where the
    validation of a macro does not hold.
    """
    for _ in range(_MAX_EXPANSIONS):
        done = _BACKTICKED.sub(lambda match: _expansion(match, macros, foreign, holds), search)
        if done == search:
            return search
        search = done
    raise SplError("a macro contains itself")


def _expansion(
    match: re.Match[str],
    macros: Mapping[str, Macro],
    foreign: Collection[str],
    holds: Callable[[str], bool],
) -> str:
    if match[1] is None:
        return match[0]
    call = _CALL.fullmatch(match[1].strip())
    if call is None:
        raise SplError(f"no name of a macro: `{match[1]}`")
    values = _arguments(call[2] or "")
    name = f"{call[1]}({len(values)})" if values else call[1]
    if name in macros:
        condition = macros[name].condition(values)
        if condition and not holds(condition):
            raise SplError(macros[name].errormsg)
        return macros[name](values)
    if name in foreign:
        return match[0]
    raise SplError(f"no macro {name}")


def _arguments(text: str) -> list[str]:
    if not text.strip():
        return []
    found = [match[1].strip() for match in _ARGUMENT.finditer(text)]
    if text.rstrip().endswith(","):
        found.append("")
    else:
        found = found[:-1] if found and not found[-1] and len(found) > 1 else found
    return [value[1:-1] if value[:1] == '"' else value for value in found]


def _pipeline(reader: _Reader, end: str) -> tuple[Command, ...]:
    commands: list[Command] = []
    piped = reader.text[reader.at :].lstrip().startswith("|")
    if piped:
        reader.at = reader.text.index("|", reader.at) + 1
    while True:
        reader.subsearches = []
        begin = reader.at
        segment, stop = _segment(reader)
        typed = reader.text[begin : reader.at - len(stop)]
        first = not commands
        if first and not piped and not end:
            word = re.match(r"\s*search\b|", segment)
            name = "search"
        else:
            word = re.match(r"\s*(\w+|`[^`]*`)", segment)
            if word is None:
                raise SplError(f"no command after a pipe: {segment.strip()[:40] or 'nothing'}")
            name = word[1]
        assert word is not None
        arguments, typed = segment[word.end() :].strip(), typed[word.end() :].strip()
        commands.append(Command(name, arguments, tuple(reader.subsearches), typed))
        if stop != "|":
            if stop != end:
                raise SplError(f"{stop} without its [" if stop else "[ without its ]")
            return tuple(commands)


def _segment(reader: _Reader) -> tuple[str, str]:
    """The text up to the next pipe, closing bracket or end, and which of these it was."""
    text, parts, depth = reader.text, [], 0
    stop = ""
    while reader.at < len(text):
        sign = text[reader.at]
        if sign in '"`':
            match = re.compile(_QUOTED if sign == '"' else "`[^`]*`").match(text, reader.at)
            if match is None:
                raise SplError(f"{sign} without its other half")
            parts.append(match[0])
            reader.at = match.end()
            continue
        named = re.compile(_FIELD).match(text, reader.at)
        if named and not text[reader.at - 1 : reader.at].isalnum():
            # The name of a field in eval; one apostrophe alone is a letter of a text.
            parts.append(named[0])
            reader.at = named.end()
            continue
        reader.at += 1
        if sign == "[":
            held = reader.subsearches
            sub = _pipeline(reader, "]")
            reader.subsearches = [*held, sub]
            parts.append("[]")
            continue
        if sign in "|]":
            stop = sign
            break
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            raise SplError(") without its (")
        parts.append(sign)
    if depth:
        raise SplError("( without its )")
    return "".join(parts), stop
