"""From an alert to its explanations, as output fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Union

from lofp_enrich.search.alert.context import Context, context_of
from lofp_enrich.search.alert.names import rule_ids, rule_key, rule_keys, source_of
from lofp_enrich.search.alert.reader import Alert, read, texts_of, what_was_read, with_more
from lofp_enrich.search.alert.techniques import as_techniques, techniques_of
from lofp_enrich.search.answer import explanation, rank
from lofp_enrich.search.answer.evidence import CONTRADICTS, FITS, OPEN, RESEMBLES
from lofp_enrich.search.answer.explanation import Explanation
from lofp_enrich.search.answer.lacking import unknown_names
from lofp_enrich.search.answer.options import KINDS, Options
from lofp_enrich.search.answer.seen import Seen
from lofp_enrich.search.answer.weigher import Weigher
from lofp_enrich.search.errors import SearchError
from lofp_enrich.search.knowledge import columns
from lofp_enrich.search.knowledge.conditions import ConditionsIndex
from lofp_enrich.search.knowledge.deployed import DeployedRule, load_deployed
from lofp_enrich.search.knowledge.family import ANY, Member
from lofp_enrich.search.knowledge.index import EntryRow, LookupIndex, RuleRow
from lofp_enrich.search.knowledge.local import LocalRow, LocalRows, load_local
from lofp_enrich.search.knowledge.software import SoftwareIndex

Values = Mapping[str, Any]
"""An event: field -> value or values, as Splunk has it, or the product's own nested JSON."""
Output = dict[str, Union[str, list[str]]]
"""Output field, with the prefix -> value; lists are parallel."""

_MISSING = "-"
_MOST_POOLED = 200_000
"""Candidates, with what is the same for every alert that has their techniques, that are kept: the
techniques of an alert are whatever its sender writes."""
_MOST_NAMED = 2_000
"""Names of rules, and of what no rule is called, that are remembered."""
_SPARE = 4
"""Explanations that are looked at beyond `max`: some of the nearest may contradict the alert."""
MOST_RANKED = 12
"""Techniques of an alert whose explanations are looked at: with more it says nothing by them."""
_KIND_ORDER = defaultdict(lambda: len(KINDS), {kind: n for n, kind in enumerate(KINDS)})


class Answer(NamedTuple):
    """Everything known about one alert."""

    status: str
    """`matched`, `no_match` or `no_technique`."""
    total: int
    """All that explain the alert, before `max`."""
    explanations: tuple[Explanation, ...]
    techniques: tuple[str, ...] = ()
    """Those of the alert, or where it names none, of its rule."""
    read: tuple[str, ...] = ()
    """What was understood and from which field: `process from Image: cmd.exe`; only with
    `output=full`."""


class Enricher:
    """Answers alerts from a catalogue and the site's own explanations, under one set of options."""

    def __init__(
        self,
        index: LookupIndex,
        local: LocalRows,
        options: Options,
        deployed: Mapping[str, tuple[DeployedRule, ...]] | None = None,
        software: SoftwareIndex | None = None,
        conditions: ConditionsIndex | None = None,
    ) -> None:
        self._index = index
        self._local = local
        self._deployed = deployed or {}
        self._software = software or SoftwareIndex(())
        self._conditions = conditions or ConditionsIndex(())
        self._options = options
        self._pools: dict[tuple[str, ...], rank.Candidates] = {}
        self._pooled = 0
        self._named: dict[str, tuple[RuleRow, ...]] = {}
        self.raw_was_read = False
        """Whether the answer given last depends on `_raw`, for the fields alone said too little."""
        self.seen = Seen(options)
        self._troubles: dict[str, None] = {}
        named = options.technique_field or options.rule_field
        self._by_words = options.match == "auto" and not named
        """Whether words alone may answer: whoever says where to look gets what stands there."""
        self.prefix = options.prefix
        """What begins with it is ours, whatever an alert brought along under such a name."""
        self.output_fields = output_fields(options)

    @property
    def troubles(self) -> list[str]:
        """One sentence for all that went wrong so far without ending the work."""
        return [*self._index.damaged, *self._troubles]

    def outputs(self, values: Values) -> tuple[Output, ...]:
        """The output fields of an alert: one set, or with `expand` one for each explanation.

        Never raises: an alert that cannot be answered has the status `error`, for one odd alert
        must not cost the others; what was amiss is in `troubles`.
        """
        try:
            return tuple(_outputs(self.answer(values), self._options))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self._troubles[f"an alert could not be enriched: {reason}"] = None
            return (bare_output("error", self._options),)

    def bare_output(self, status: str) -> Output:
        """The output fields of what is no alert at all."""
        return bare_output(status, self._options)

    def answer(self, values: Values) -> Answer:
        """The explanations of an alert, best first: see `_place` for the order."""
        options = self._options
        alert = self._read(values)
        names = tuple(_texts(values, options.rule_field)) if options.rule_field else alert.names
        known = self._rules(names, alert)
        came_in = self._techniques(values, alert, names, known)
        self.seen.add(values, alert, (*came_in, *names))
        context = context_of(alert, map(self._index.attack.name, came_in))
        weigh = Weigher(self._software, self._conditions, alert)
        own = self._own(values, names, came_in)
        stated = self._stated(known if options.match != "technique" else ())
        here = self._stated_here(names)
        if here:
            told = {rule_key(entry.statement) for entry, _ in stated.values()}
            here = tuple(rule for rule in here if rule_key(rule.statement) not in told)
        by_words = self._by_words and not (came_in or own or here or stated)
        pool = self._pool((ANY,) if by_words else tuple(came_in)[:MOST_RANKED])
        fired = {rule.rule_id for rule in known}
        near = [
            each
            for each in self._near(pool, context, weigh)
            if each.entry.entry_id not in stated and not self._leaves_out(fired, each.entry)
        ]
        actors = self._actors(weigh)
        found = [
            *(explanation.own(row) for row in own),
            *(explanation.deployed(rule) for rule in here),
            *(
                explanation.by_rule(entry, rule, came_in)
                for entry, rule in _fitting_first(stated, context)
            ),
            *actors,
            *(explanation.by_technique(each, came_in) for each in near),
        ]
        found = sorted((explanation.weighed(each, weigh) for each in found), key=_place)
        if options.evidence:
            found = [each for each in found if each.evidence in options.evidence]
        met = [each for each in near if by_words or each.entry.entry_id not in pool.ids]
        under = len(met) + (0 if by_words else len(pool.ids))
        beside = [each for each in stated if each not in pool.ids]
        count = len(own) + len(here) + under + len(beside) + len(actors)
        status = "no_match" if count or came_in else "no_technique"
        shown = tuple(found[: options.max])
        understood = what_was_read(alert) if options.output == "full" else ()
        return Answer("matched" if shown else status, count, shown, tuple(came_in), understood)

    def _read(self, values: Values) -> Alert:
        alert = read(values, self._index.attack)
        self.raw_was_read = alert.raw
        named = self._options.context_fields
        return with_more(alert, _texts(values, named)) if named else alert

    def _own(
        self, values: Values, names: Sequence[str], came_in: Mapping[str, str]
    ) -> list[LocalRow]:
        fields = {field: tuple(texts_of(values, field)) for field in self._local.fields}
        techniques = (*came_in, *came_in.values())
        return [row for row in self._local.rows if row.fits(techniques, names, fields)]

    def _near(self, pool: rank.Candidates, context: Context, weigh: Weigher) -> list[rank.Ranked]:
        """The nearest explanations, and besides them all whose conditions the alert meets."""
        options = self._options
        least = 0 if "advice" in options.kind else options.min_score
        near = pool.rank(context, options.max + _SPARE, least)
        shown = {each.entry.entry_id for each in near}
        for entry_id in weigh.likely(pool.conditioned(self._conditions)):
            if entry_id not in shown and weigh.entry(entry_id).state in (FITS, RESEMBLES):
                more = pool.at(entry_id, context)
                near += [more] if more else []
        return near

    def _leaves_out(self, fired: Set[str], entry: EntryRow) -> bool:
        """Whether the rule that fired leaves just that out: then it is no reason why it did."""
        return not fired.isdisjoint(self._conditions.excluded_by.get(entry.entry_id, ()))

    def _actors(self, weigh: Weigher) -> list[Explanation]:
        """What known software in the alert explains: all that fits or poses, and one that may."""
        options = self._options
        wanted = not options.source or "software" in options.source
        if options.match != "auto" or not wanted or (options.kind and "actor" not in options.kind):
            return []
        found = [explanation.actor(each) for each in weigh.actors()]
        likely = [each for each in found if each.evidence in (RESEMBLES, OPEN)][:1]
        return [each for each in found if each.evidence in (FITS, CONTRADICTS)] + likely

    def _rules(self, names: Iterable[str], alert: Alert) -> tuple[RuleRow, ...]:
        for text in alert.get("rule_id"):
            for rule_id in (*rule_ids(text), text):
                rules = self._index.rule_by_id(rule_id)
                if rules:
                    return rules
        for name in names:
            if name not in self._named:
                if len(self._named) >= _MOST_NAMED:
                    self._named.clear()
                self._named[name] = self._rules_named(name)
            if self._named[name]:
                return self._named[name]
        return ()

    def _rules_named(self, name: str) -> tuple[RuleRow, ...]:
        for key in rule_keys(name):
            rules = self._index.rules(key)
            if rules:
                return tuple(sorted(rules, key=lambda rule: rule.source != source_of(name)))
        return ()

    def _techniques(
        self, values: Values, alert: Alert, names: Iterable[str], rules: Iterable[RuleRow]
    ) -> dict[str, str]:
        """The alert's techniques, current ID -> as it came in; else those of the rule that fired,
        as it runs at the site, or as the catalogue knows it."""
        options, attack = self._options, self._index.attack
        if options.technique_field:
            named = techniques_of(as_techniques(_texts(values, options.technique_field)), attack)
        else:
            named = list(alert.techniques)
        if not named:
            here = next(self._deployed_as(names), ())
            of_rules = [*(rule.techniques for rule in here), *(rule.techniques for rule in rules)]
            named = techniques_of(as_techniques(chain.from_iterable(of_rules)), attack)
        return {each.technique: each.written for each in named}

    def _deployed_as(self, names: Iterable[str]) -> Iterator[tuple[DeployedRule, ...]]:
        if not self._deployed:
            return iter(())
        keys = (key for name in names for key in rule_keys(name))
        return (self._deployed[key] for key in keys if key in self._deployed)

    def _stated_here(self, names: Iterable[str]) -> tuple[DeployedRule, ...]:
        options = self._options
        wanted = not options.source or "deployed" in options.source
        if options.match == "technique" or options.kind or not wanted:
            return ()  # nobody has said of what kind they are
        found = next(self._deployed_as(names), ())
        return tuple(rule for rule in found if rule.statement)

    def _stated(self, rules: Iterable[RuleRow]) -> dict[str, tuple[EntryRow, RuleRow]]:
        found: dict[str, tuple[EntryRow, RuleRow]] = {}
        for rule in rules:
            for entry_id in rule.entry_ids:
                entry = self._index.entry(entry_id)
                if entry is not None and self._keep(entry):
                    found.setdefault(entry_id, (entry, rule))
        return found

    def _pool(self, techniques: tuple[str, ...]) -> rank.Candidates:
        if self._options.match == "rule":
            techniques = ()
        if techniques not in self._pools:
            exact = self._options.match == "exact"
            aside = self._conditions.excluded_by
            pool = rank.Candidates(self._index, techniques, self._keep, exact, aside)
            self._pooled += len(pool.ids)
            if self._pooled > _MOST_POOLED:
                self._pools.clear()
                self._pooled = len(pool.ids)
            self._pools[techniques] = pool
        return self._pools[techniques]

    def _keep(self, entry: EntryRow | Member) -> bool:
        options = self._options
        return not (
            (options.kind and entry.kind not in options.kind)
            or (options.source and set(options.source).isdisjoint(entry.sources))
            or (options.product and entry.products.isdisjoint(options.product) and entry.products)
        )


def load_enricher(lookups: Path, options: Options, today: date) -> tuple[Enricher, list[str]]:
    """An Enricher on a lookups folder, and a sentence for all that is amiss with the site's files
    and for each source and product that `options` name and the catalogue lacks.

    `today` (UTC) decides which own explanations have expired. Raises SearchError where the
    catalogue itself cannot be used; without a site's file the rest works.
    """
    index = LookupIndex.load(lookups)
    local, deployed, troubles = LocalRows(), {}, []
    try:
        local = load_local(lookups / "lofp_local.csv", today, index.attack)
    except SearchError as error:
        troubles.append(str(error))
    try:
        deployed = load_deployed(lookups / "lofp_deployed.csv")
    except SearchError as error:
        troubles.append(str(error))
    troubles += [*local.faults, *unknown_names(index, options)]
    software, conditions = SoftwareIndex.load(lookups), ConditionsIndex.load(lookups)
    return Enricher(index, local, options, deployed, software, conditions), troubles


def output_fields(options: Options) -> list[str]:
    """The fields that are written, with the prefix, in order."""
    names = columns.OUTPUT_FULL if options.output == "full" else columns.OUTPUT_BRIEF
    return [options.prefix + name for name in names]


def bare_output(status: str, options: Options) -> Output:
    """The output fields of an alert about which there is nothing to say but `status`."""
    empty: Output = {name: [] for name in output_fields(options)}
    return {**empty, options.prefix + "status": status, options.prefix + "count": "0"}


def _outputs(answer: Answer, options: Options) -> Iterable[Output]:
    groups: Sequence[Sequence[Explanation]] = [answer.explanations]
    if options.expand and answer.explanations:
        groups = [[each] for each in answer.explanations]
    names = columns.OUTPUT_FULL if options.output == "full" else columns.OUTPUT_BRIEF
    for group in groups:
        output: Output = {}
        for name in names:
            if name == "status":
                output[options.prefix + name] = answer.status
            elif name == "count":
                output[options.prefix + name] = str(answer.total)
            elif name == "techniques":
                output[options.prefix + name] = list(answer.techniques)
            elif name == "read":
                output[options.prefix + name] = list(answer.read)
            else:
                output[options.prefix + name] = [getattr(e, name) or _MISSING for e in group]
        yield output


def _place(each: Explanation) -> int:
    """Where an explanation stands, nearest first within one place: what poses as a product; own
    ones; what fits; the rule's own and what may be; what is open, known software last, for its name
    alone explains least; what the alert speaks against."""
    if each.evidence == CONTRADICTS:
        return 0 if each.match == "software" else 7
    if each.evidence == OPEN and each.match == "software":
        return 6
    if each.match == "local":
        return 1
    if each.evidence == FITS:
        return 2
    return 3 if each.match == "rule" else {RESEMBLES: 4, OPEN: 5}[each.evidence]


def _fitting_first(
    stated: Mapping[str, tuple[EntryRow, RuleRow]], context: Context
) -> list[tuple[EntryRow, RuleRow]]:
    """A rule's own statements: those that name a cause first, then by the words they share."""
    return sorted(
        stated.values(),
        key=lambda pair: (_KIND_ORDER[pair[0].kind], -rank.shared_weight(pair[0], context)),
    )


def _texts(values: Values, fields: Iterable[str]) -> list[str]:
    return [text for field in fields for text in texts_of(values, field)]
