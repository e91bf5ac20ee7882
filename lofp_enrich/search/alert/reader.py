"""`read`: any product's event becomes one neutral `Alert`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple, Optional

from lofp_enrich.search.alert import platform
from lofp_enrich.search.alert.fields import ATTRIBUTES, meanings
from lofp_enrich.search.alert.leaves import MAX_LAYOUTS, Leaf, Leaves, names_of
from lofp_enrich.search.alert.shapes import READ, fits, shape_of
from lofp_enrich.search.alert.techniques import Named, techniques_of
from lofp_enrich.search.attack import Attack

_SHOWN = 200
"""Characters of a value that `what_was_read` has."""
MAX_VALUES = 10
"""Values of an attribute that are kept."""
_ENOUGH = ("process", "command_line", "operation", "file", "registry", "title", "rule")
"""Attributes of which one must be there, or the raw event is read, too."""
_NATIVE = re.compile(
    r"(?:wmi:)?(?:xml)?wineventlog|_json$|linux|syslog|unix|osx|macos|auditd", re.IGNORECASE
)
"""Sourcetypes that the machine itself sends, so that Splunk's `host` is that machine."""
_COLLECTOR = "http:"
"""How the source of what Splunk's HTTP event collector took in begins, unless the sender says
otherwise: `http:` and the name of the input (inputs.conf.spec)."""

_DOMAIN = meanings("domain_name")

_SIGNED = frozenset(
    ("signed", "signaturestatus", "trusted", "verifiedstatus", "signedstatus", "signatureverified")
)
"""Fields, by the last part of their names, that say whether a signature is valid."""
_VALID = frozenset(("true", "1", "yes", "valid", "signed", "trusted", "verified", "signedverified"))
_METADATA = ("originalfilename", "fileversion", "company", "product", "hashes")
"""What a program says of itself, in the names of Sysmon and Hayabusa."""


class Alert(NamedTuple):
    """What an event says, and nothing inherited."""

    values: Mapping[str, tuple[str, ...]]
    """Attribute (`fields.ATTRIBUTES`) -> values; an attribute that the event lacks is not there."""
    techniques: tuple[Named, ...]
    platform: tuple[str, ...]
    """What it is about, sorted; empty where nothing says it."""
    read_from: Mapping[str, str]
    """Attribute -> the field it was read from."""
    names: tuple[str, ...] = ()
    """All that could be the name of the rule that fired, the likeliest first."""
    raw: bool = False
    """`_raw` was read, for the fields alone said too little."""

    def get(self, attribute: str) -> tuple[str, ...]:
        """The values of an attribute, none where the event lacks it."""
        return self.values.get(attribute, ())


def read(event: Mapping[str, Any], attack: Attack) -> Alert:
    """What an event says: as Splunk has it (field -> values), or as its product wrote it."""
    leaves = _leaves(event)
    values, read_from = _attributes(leaves)
    techniques = techniques_of(leaves, attack)
    raw = _first(event.get("_raw"))
    enough = techniques and any(each in values for each in _ENOUGH)
    if raw and not enough:
        # Its many expressions take a start that needs none of them a twentieth longer.
        from lofp_enrich.search.alert.raw import fields_of

        leaves = [*leaves, *_leaves(fields_of(raw))]
        values, read_from = _attributes(leaves)
        techniques = techniques_of(leaves, attack)
    if techniques:
        read_from["techniques"] = techniques[0].field
    names = [attack.name(named.technique) for named in techniques]
    about = platform.platforms_of(leaves, values, names)
    return Alert(
        values, tuple(techniques), about, read_from, _names(leaves), bool(raw) and not enough
    )


def _names(leaves: Sequence[Leaf]) -> tuple[str, ...]:
    """What a rule could be called by: in fields for its name, those for a title after them."""
    found: dict[tuple[int, int, str], None] = {}
    for at, rank, shape in _naming(names_of(leaves)):
        leaf = leaves[at]
        if fits("rule", leaf.value) and (not shape or fits(shape, leaf.value)):
            found[rank, leaf.depth, leaf.value] = None
    return tuple(dict.fromkeys([value for _, _, value in sorted(found)]))[:MAX_VALUES]


@lru_cache(maxsize=MAX_LAYOUTS)
def _naming(fields: tuple[str, ...]) -> tuple[tuple[int, int, str], ...]:
    """Where the fields are that may name a rule, with the rank and the shape of that meaning."""
    return tuple(
        (at, each.rank, each.shape)
        for at, name in enumerate(fields)
        for each in meanings(name)
        if each.attribute in ("rule", "title")
    )


def _first(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


def _leaves(event: Mapping[str, Any]) -> list[Leaf]:
    found = Leaves()
    found.add_event(event)
    return found.found


def _fill(best: dict[str, list[Leaf]]) -> None:
    """What an alert says by saying something else: a title names the rule, a code what happened."""
    for missing, instead in (("rule", "title"), ("title", "rule"), ("operation", "event_code")):
        if missing not in best and instead in best and not _is_mail(best[instead][0]):
            best[missing] = best[instead]
    if "process" not in best and {"command_line", "file"} <= best.keys():
        command = best["command_line"][0].value.lower()
        ran = [leaf for leaf in best["file"] if _program(leaf.value) in command]
        if ran:
            best["process"] = ran


def _is_mail(leaf: Leaf) -> bool:
    """What somebody wrote, which names no rule."""
    return leaf.name.lower().endswith(("subject", "message"))


def _program(path: str) -> str:
    """`wmic` of `C:\\Windows\\System32\\wbem\\WMIC.exe`."""
    name = re.split(r"[\\/]", path.lower())[-1]
    return name.rpartition(".")[0] or name


def _dropped(fields: tuple[str, ...]) -> frozenset[str]:
    """The fields that those beside them make something else of: `Description` beside a program's
    other metadata is its author's words, and the message that an agent has taken apart says again
    what its fields say."""
    names = {name.lower() for name in fields}
    taken_apart = any(name.startswith("winlog.event_data") for name in names)
    found = set()
    for field in fields:
        above, _, last = field.lower().rpartition(".")
        if (
            (last in ("description", "desc") and _is_metadata(above, names))
            or (last == "signature" and _of_image(above, names))
            or (taken_apart and field == "message")
        ):
            found.add(field)
    return frozenset(found)


def _of_image(above: str, names: Set[str]) -> bool:
    """Sysmon's Signature is who signed the image, the CIM's what the log calls the event."""
    beside = ("signed", "signaturestatus", "hashes", "imageloaded")
    return any(f"{above}.{name}".lstrip(".") in names for name in beside)


def _is_metadata(above: str, names: Set[str]) -> bool:
    return any(f"{above}.{name}".lstrip(".") in names for name in _METADATA)


class _Layout(NamedTuple):
    """Where an event has the fields whose values turn what others hold."""

    sourcetype: int
    """-1 where there is none, as of the next."""
    source: int
    servers: tuple[tuple[int, int], ...]
    """A field called `hostname` and the `url` beside it."""


@lru_cache(maxsize=MAX_LAYOUTS)
def _layout(fields: tuple[str, ...]) -> _Layout:
    place = {name: at for at, name in enumerate(fields)}
    lower = {name.lower(): at for at, name in enumerate(fields)}
    servers = []
    for at, name in enumerate(fields):
        above, _, last = name.lower().rpartition(".")
        url = lower.get(f"{above}.url".lstrip("."), -1)
        if last == "hostname" and url >= 0:
            servers.append((at, url))
    return _Layout(place.get("sourcetype", -1), place.get("source", -1), tuple(servers))


def _is_sent(leaves: Sequence[Leaf], layout: _Layout) -> bool:
    """Whether Splunk's `host` is what collected the event, not what it is about."""
    if layout.sourcetype < 0:
        return False
    sourcetype = leaves[layout.sourcetype].value
    source = leaves[layout.source].value if layout.source >= 0 else ""
    if sourcetype == "_json" and source.startswith(_COLLECTOR):
        return True
    return not _NATIVE.match(sourcetype)


def _asked_for(leaves: Sequence[Leaf], layout: _Layout) -> frozenset[int]:
    """Where a proxy's and a firewall's `hostname` is that of the server that was asked for, not of
    the machine that asked."""
    found = set()
    for at, beside in layout.servers:
        url = leaves[beside].value
        if url.startswith("/") or leaves[at].value in url:
            found.add(at)
    return frozenset(found)


_Shape = Optional[Callable[[str], bool]]


class _Reading(NamedTuple):
    """An attribute and where its values may be."""

    attribute: str
    shape: _Shape
    """That of its values."""
    tiers: tuple[tuple[tuple[int, _Shape], ...], ...]
    """Places of fields, each with the shape that its value must have besides; the best names
    first, those of one worth together."""


@lru_cache(maxsize=MAX_LAYOUTS)
def _readings(
    fields: tuple[str, ...], depths: tuple[int, ...], sent: bool, servers: frozenset[int]
) -> tuple[_Reading, ...]:
    """What an event's fields may hold by their names, without what these alone take for something
    else. Splunk's `host` is who sent the event, unless the machine itself sends it."""
    dropped = _dropped(fields) | (frozenset(("host",)) if sent else frozenset())
    found: dict[str, dict[tuple[int, int], dict[tuple[int, str], None]]] = {}
    for at, (name, depth) in enumerate(zip(fields, depths)):
        if name in dropped:
            continue
        meant = meanings(name)
        if at in servers:
            meant = tuple(each for each in meant if each.attribute != "host") or _DOMAIN
        for attribute, rank, shape in meant:
            worths = found.setdefault(attribute, {})
            worths.setdefault((rank, depth), {})[at, shape] = None
    return tuple(
        _Reading(
            attribute,
            shape_of(attribute),
            tuple(
                tuple((at, shape_of(shape)) for at, shape in worths[worth])
                for worth in sorted(worths)
            ),
        )
        for attribute, worths in found.items()
    )


def _attributes(leaves: Sequence[Leaf]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The values of each attribute, from the best names that hold one of its shape."""
    fields = names_of(leaves)
    depths = tuple([leaf.depth for leaf in leaves])
    layout = _layout(fields)
    best: dict[str, list[Leaf]] = {}
    readings = _readings(fields, depths, _is_sent(leaves, layout), _asked_for(leaves, layout))
    for attribute, shape, tiers in readings:
        for tier in tiers:
            held = [leaves[at] for at, besides in tier if _holds(leaves[at], shape, besides)]
            if held:
                best[attribute] = held
                break
    _fill(best)
    _check_signatures(best, leaves)
    values: dict[str, tuple[str, ...]] = {}
    read_from: dict[str, str] = {}
    for attribute in sorted(best, key=_PLACES.__getitem__):
        held = best[attribute]
        first = held[0]
        read_from[attribute] = first.name
        values[attribute] = (
            (first.value,)
            if len(held) == 1
            else tuple(dict.fromkeys([leaf.value for leaf in held]))[:MAX_VALUES]
        )
    return values, read_from


_PLACES = {attribute: place for place, attribute in enumerate(ATTRIBUTES)}


def _holds(leaf: Leaf, shape: _Shape, besides: _Shape) -> bool:
    """Whether a value has the shape of an attribute. A field that holds its own name (Falco's,
    where it could not tell) holds nothing."""
    name, value, _, _ = leaf
    if "." in value and name.endswith(value):
        return False
    text = value[:READ]
    return (shape is None or shape(text)) and (besides is None or besides(text))


def _check_signatures(best: dict[str, list[Leaf]], leaves: Sequence[Leaf]) -> None:
    """A signer counts unless the log says that the signature is not valid: an EDR copies the name
    out of a broken one, too. Sysmon's Signature counts only where it says that it is valid, and is
    of the library or driver that was loaded."""
    said, images = _on_signatures(names_of(leaves))
    if not images and "signer" not in best and "object_signer" not in best:
        return
    states = {leaves[at].value.lower() for at in said}
    if not states <= _VALID:
        best.pop("signer", None)
        best.pop("object_signer", None)
    elif states and images:
        best["signer"] = best["object_signer"] = [leaves[images[0]]]


@lru_cache(maxsize=MAX_LAYOUTS)
def _on_signatures(fields: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where fields say whether a signature is valid, and where Sysmon says whose it is."""
    names = {name.lower() for name in fields}
    last = [name.rpartition(".")[2].lower().replace("_", "").replace("{}", "") for name in fields]
    images = [
        at
        for at, name in enumerate(fields)
        if last[at] == "signature" and _of_image(name.lower().rpartition(".")[0], names)
    ]
    return tuple(at for at, each in enumerate(last) if each in _SIGNED), tuple(images)


def with_more(alert: Alert, texts: Sequence[str]) -> Alert:
    """The alert with what somebody said it is about, besides: as a part of its title."""
    if not texts:
        return alert
    values = {**alert.values, "object": (*alert.get("object"), *texts)}
    return alert._replace(values=values)


def texts_of(event: Mapping[str, Any], field: str) -> list[str]:
    """The values of a field that somebody names: as Splunk spells it, or through nested JSON."""
    value: Any = event.get(field)
    if value is None:
        value = event
        for part in field.replace("{}", "").split("."):
            value = [
                inner
                for each in (value if isinstance(value, (list, tuple)) else [value])
                if isinstance(each, Mapping) and part in each
                for inner in (each[part] if isinstance(each[part], (list, tuple)) else [each[part]])
            ]
    values = value if isinstance(value, (list, tuple)) else [value]
    return [each if isinstance(each, str) else str(each) for each in values if each or each == 0]


def what_was_read(alert: Alert) -> tuple[str, ...]:
    """`process from Image: cmd.exe` for each attribute, techniques and platform first."""
    lines = []
    if alert.techniques:
        named = ", ".join(each.technique for each in alert.techniques[:10])
        lines.append(f"techniques from {alert.read_from.get('techniques', '')}: {named}")
    if alert.platform:
        lines.append(f"platform: {', '.join(alert.platform)}")
    for attribute, values in alert.values.items():
        text = " ".join(values[0].split())[:_SHOWN]
        lines.append(f"{attribute} from {alert.read_from.get(attribute, '')}: {text}")
    return tuple(lines)


def as_lists(alert: Alert) -> dict[str, Any]:
    """An alert as `inspect` prints it: every attribute a list, those without a value empty."""
    return {
        "techniques": [each.technique for each in alert.techniques],
        "techniques_written": [each.written for each in alert.techniques],
        "platform": list(alert.platform),
        **{attribute: list(alert.get(attribute)) for attribute in ATTRIBUTES},
        "read_from": dict(alert.read_from),
    }
