"""`read`: any product's event becomes one neutral `Alert`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple

from lofp_enrich.search.alert import platform
from lofp_enrich.search.alert.fields import ATTRIBUTES, Meaning, meanings
from lofp_enrich.search.alert.leaves import Leaf, Leaves
from lofp_enrich.search.alert.raw import fields_of
from lofp_enrich.search.alert.shapes import fits
from lofp_enrich.search.alert.techniques import Named, techniques_of
from lofp_enrich.search.attack import Attack

_SHORT = 200
"""Characters of a value of which it is remembered what it may be: values repeat."""
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
    found = {
        (rank, leaf.depth, leaf.value): None
        for leaf in leaves
        for rank, shape in _names_in(leaf.name)
        if fits("rule", leaf.value) and (not shape or fits(shape, leaf.value))
    }
    return tuple(dict.fromkeys(value for _, _, value in sorted(found)))[:MAX_VALUES]


@lru_cache(maxsize=5_000)
def _names_in(field: str) -> tuple[tuple[int, str], ...]:
    return tuple((m.rank, m.shape) for m in meanings(field) if m.attribute in ("rule", "title"))


def _first(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


def _leaves(event: Mapping[str, Any]) -> list[Leaf]:
    found = Leaves()
    found.add_event(event)
    return found.found


def _fill(best: dict[str, tuple[tuple[int, int], list[Leaf]]]) -> None:
    """What an alert says by saying something else: a title names the rule, a code what happened."""
    for missing, instead in (("rule", "title"), ("title", "rule"), ("operation", "event_code")):
        if missing not in best and instead in best and not _is_mail(best[instead][1][0]):
            best[missing] = best[instead]
    if "process" not in best and {"command_line", "file"} <= best.keys():
        command = best["command_line"][1][0].value.lower()
        ran = [leaf for leaf in best["file"][1] if _program(leaf.value) in command]
        if ran:
            best["process"] = best["file"][0], ran


def _is_mail(leaf: Leaf) -> bool:
    """What somebody wrote, which names no rule."""
    return leaf.name.lower().endswith(("subject", "message"))


def _program(path: str) -> str:
    """`wmic` of `C:\\Windows\\System32\\wbem\\WMIC.exe`."""
    name = re.split(r"[\\/]", path.lower())[-1]
    return name.rpartition(".")[0] or name


def _without_foreign(leaves: Sequence[Leaf]) -> Iterable[Leaf]:
    """Without values that a name alone takes for something else.

    Splunk's `host` is who sent the event, unless the machine itself sends it. `Description` beside
    a program's other metadata is its author's words, the message that an agent has taken apart
    says again what its fields say, and a field that holds its own name (Falco's, where it could
    not tell) holds nothing.
    """
    dropped = _dropped(tuple(leaf.name for leaf in leaves))
    sent = _is_sent(leaves)
    for leaf in leaves:
        if leaf.name in dropped or (sent and leaf.name == "host"):
            continue
        if "." in leaf.value and leaf.name.endswith(leaf.value):
            continue
        yield leaf


@lru_cache(maxsize=1_000)
def _dropped(fields: tuple[str, ...]) -> frozenset[str]:
    """The fields that those beside them make something else of."""
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


def _is_sent(leaves: Sequence[Leaf]) -> bool:
    """Whether Splunk's `host` is what collected the event, not what it is about."""
    said = {leaf.name: leaf.value for leaf in leaves if leaf.name in ("sourcetype", "source")}
    sourcetype = said.get("sourcetype", "")
    if sourcetype == "_json" and said.get("source", "").startswith(_COLLECTOR):
        return True
    return bool(sourcetype) and not _NATIVE.match(sourcetype)


def _of_image(above: str, names: Set[str]) -> bool:
    """Sysmon's Signature is who signed the image, the CIM's what the log calls the event."""
    beside = ("signed", "signaturestatus", "hashes", "imageloaded")
    return any(f"{above}.{name}".lstrip(".") in names for name in beside)


def _is_metadata(above: str, names: Set[str]) -> bool:
    return any(f"{above}.{name}".lstrip(".") in names for name in _METADATA)


def _meanings(leaf: Leaf, held: Mapping[str, str]) -> tuple[Meaning, ...]:
    """What a field may hold. A proxy's and a firewall's `hostname` beside the `url` is that of the
    server that was asked for, not of the machine that asked."""
    found = meanings(leaf.name)
    if leaf.name[-8:].lower() == "hostname" and leaf.name[-9:-8] in ("", "."):
        above = leaf.name.lower().rpartition(".")[0]
        url = held.get(f"{above}.url".lstrip("."), "")
        if url.startswith("/") or (url and leaf.value in url):
            return tuple(each for each in found if each.attribute != "host") or _DOMAIN
    return found


def _readings(leaf: Leaf, held: Mapping[str, str]) -> Sequence[tuple[str, int]]:
    """Which attributes a leaf is a value of, and how well its name says so."""
    if len(leaf.value) <= _SHORT and leaf.name[-8:].lower() != "hostname":
        return _remembered(leaf.name, leaf.value)
    return _fitting(_meanings(leaf, held), leaf.value)


@lru_cache(maxsize=8_192)
def _remembered(name: str, value: str) -> Sequence[tuple[str, int]]:
    return _fitting(meanings(name), value)


def _fitting(found: Iterable[Meaning], value: str) -> Sequence[tuple[str, int]]:
    return [
        (attribute, rank)
        for attribute, rank, shape in found
        if fits(attribute, value) and (not shape or fits(shape, value))
    ]


def _attributes(leaves: Sequence[Leaf]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The values of each attribute, from the best names that hold one of its shape."""
    best: dict[str, tuple[tuple[int, int], list[Leaf]]] = {}
    held: dict[str, str] = {}
    if any(leaf.name[-3:].lower() == "url" for leaf in leaves):
        held = {leaf.name.lower(): leaf.value for leaf in leaves}
    for leaf in _without_foreign(leaves):
        for attribute, rank in _readings(leaf, held):
            worth = rank, leaf.depth
            before = best.get(attribute)
            if before is None or worth < before[0]:
                best[attribute] = worth, [leaf]
            elif worth == before[0]:
                before[1].append(leaf)
    _fill(best)
    _check_signatures(best, leaves)
    values = {
        attribute: tuple(dict.fromkeys(leaf.value for leaf in best[attribute][1]))[:MAX_VALUES]
        for attribute in ATTRIBUTES
        if attribute in best
    }
    return values, {attribute: best[attribute][1][0].name for attribute in values}


def _check_signatures(
    best: dict[str, tuple[tuple[int, int], list[Leaf]]], leaves: Sequence[Leaf]
) -> None:
    """A signer counts unless the log says that the signature is not valid: an EDR copies the name
    out of a broken one, too. Sysmon's Signature counts only where it says that it is valid, and is
    of the library or driver that was loaded."""
    image = [leaf for leaf in leaves if _last(leaf.name) == "signature"]
    if not image and "signer" not in best and "object_signer" not in best:
        return
    states = {leaf.value.lower() for leaf in leaves if _last(leaf.name) in _SIGNED}
    names = {leaf.name.lower() for leaf in leaves}
    if not states <= _VALID:
        best.pop("signer", None)
        best.pop("object_signer", None)
    elif states and image and _of_image(image[0].name.lower().rpartition(".")[0], names):
        best["signer"] = best["object_signer"] = (0, image[0].depth), image[:1]


def _last(name: str) -> str:
    """The last part of a field's name, without what separates words."""
    return name.rpartition(".")[2].lower().replace("_", "").replace("{}", "")


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
