"""Products of a source beside our own: which of them are ours already, and what they add."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from lofp_enrich.catalogue import shared
from lofp_enrich.model import Conditions, Product, Rule
from lofp_enrich.search.alert.reach import folded
from lofp_enrich.search.knowledge.behaviour import BROUGHT_ALONG

CATEGORY = "rmm"
_DEEP = 3
"""Separators in a folder that tells a product by itself, as in `search.knowledge.software`."""
MOST = 100
"""Names, folders or hosts that are taken of one product; the longest list has 40."""
_LISTS = ("processes", "folders", "files", "signers", "services", "hosts")
_HOME = ("processes", "folders", "files")
"""What a program in an alert is told by."""


class Joined(NamedTuple):
    """Our products and those of the sources, as one list."""

    products: tuple[Mapping[str, Any], ...]
    """In the form of `software.products`, sorted by key."""
    rules: tuple[Rule, ...]
    """The rules that were given, those about a product with its conditions."""
    counts: Counter[str]
    """`read`, `new`, `known`: how many products; all else is a reason and how many values were left
    out for it."""


def join(own: Sequence[Mapping[str, Any]], rules: Sequence[Rule]) -> Joined:
    """Adds the products of the rules to our own, whose rows win, and gives the rules conditions."""
    known = _Known(own)
    keys = {
        id(rule): known.take(rule.product)
        for rule in sorted(rules, key=lambda rule: (rule.source, rule.location.path, rule.id))
        if rule.product
    }
    done = known.products()
    given = tuple(
        _given(rule, done[keys[id(rule)]]) if id(rule) in keys else rule for rule in rules
    )
    return Joined(tuple(done[key] for key in sorted(done)), given, known.counts)


class _Known:
    """Our products, by all that tells that another is the same; and what others add to them."""

    def __init__(self, own: Iterable[Mapping[str, Any]]) -> None:
        self.own = {str(product["key"]): product for product in own}
        self.added: dict[str, list[Product]] = {}
        self.by_tool: dict[str, str] = {}
        self.counts: Counter[str] = Counter(read=0, new=0, known=0)
        self.by_page: dict[str, set[str]] = {}
        self.by_name: dict[str, set[str]] = {}
        self.by_program: dict[str, set[str]] = {}
        self.by_host: dict[str, set[str]] = {}
        self.above_host: dict[str, set[str]] = {}
        self.folders: list[tuple[str, str]] = []
        for key, product in self.own.items():
            for page in product.get("seen", ()):
                self.by_page.setdefault(_page(str(page)), set()).add(key)
            for name in (key, product["name"], *product.get("aliases", ())):
                self.by_name.setdefault(shared.letters(str(name)), set()).add(key)
            for name in product.get("processes", ()):
                self.by_program.setdefault(str(name).lower(), set()).add(key)
            for host in product.get("hosts", ()):
                name = str(host).lower().lstrip("*.")
                self.by_host.setdefault(name, set()).add(key)
                for parent in _parents(name):
                    self.above_host.setdefault(parent, set()).add(key)
            self.folders += [(folded(str(each)), key) for each in product.get("folders", ())]

    def take(self, product: Product) -> str:
        """The key of the product that this one is."""
        self.counts["read"] += 1
        # Other products of a source may be spelt alike: `Level.io`, `LevelIO`.
        letters = shared.letters(product.name)
        key = self._ours(product) or self.by_tool.get(letters) or _key(product.name)
        self.by_tool.setdefault(letters, key)
        added = self.added.setdefault(key, [])
        if len(added) < MOST:
            added.append(product)
        return key

    def _ours(self, product: Product) -> str:
        """The key of our product that is the same: we took it from that file, or both have a name
        or most programs in common."""
        names = [shared.letters(name) for name in (product.name, *_without_alias(product))]
        named = next((self.by_name[name] for name in names if name in self.by_name), set())
        seen = self.by_page.get(_page(product.page), set())
        for found in (seen & named, seen if len(seen) == 1 else set(), named):
            if found:
                return min(found)
        programs = {name.lower() for name, _ in product.programs}
        shares = Counter(key for name in programs for key in self.by_program.get(name, ()))
        most = shares.most_common(1)[0][1] if shares else 0
        best = [key for key, count in shares.items() if count == most]
        return best[0] if len(best) == 1 and most * 2 >= len(programs) else ""

    def products(self) -> dict[str, Mapping[str, Any]]:
        """All products by key."""
        done = dict(self.own)
        for key, added in self.added.items():
            held = self.own.get(key)
            self.counts["known" if held else "new"] += 1
            done[key] = self._merged(key, held, added)
        return done

    def _merged(
        self, key: str, held: Mapping[str, Any] | None, added: Sequence[Product]
    ) -> Mapping[str, Any]:
        first = added[0]
        product: dict[str, Any] = (
            {
                name: list(value) if isinstance(value, list) else value
                for name, value in held.items()
            }
            if held
            else {"key": key, "name": first.name, "vendor": "", "category": CATEGORY}
        )
        for each in added:
            self.counts.update(each.left_out)
        aliases = (name for each in added for name in each.aliases if name != first.name)
        if held and held["category"] not in BROUGHT_ALONG:
            # It may fit by its own programs and hosts: those are known by our own hand alone.
            found: dict[str, list[str]] = {}
            self.counts["of a product that may fit"] += sum(map(_values, added))
        else:
            found = self._sifted(key, product, added)
            found["aliases"] = list(aliases)
        found["seen"] = [each.page for each in added]
        for name, values in found.items():
            new = _new(product.get(name, ()), values)
            if new:
                product[name] = [*product.get(name, ()), *new]
        if not held:
            product["checked"] = max(each.checked for each in added)
        return product

    def _sifted(
        self, key: str, product: Mapping[str, Any], added: Sequence[Product]
    ) -> dict[str, list[str]]:
        """What of the values is the product's own."""
        found: dict[str, list[str]] = {name: [] for name in _LISTS}

        def said(name: str, values: Iterable[str]) -> list[str]:
            """The values that are not in the product's row already, in whatever case."""
            return _new(product.get(name, ()), values)

        places: dict[str, set[str]] = {}
        for each in added:
            for program, folder in each.programs:
                places.setdefault(program.lower(), set()).update({folded(folder)} - {""})
        taken = set().union(*places.values()) if places else set()
        held = [folded(str(each)) for each in product.get("folders", ())]
        # The widest first: what lies in it need not be said again.
        for value in sorted(said("folders", (f for each in added for f in each.folders)), key=len):
            path = folded(value)
            fault = shared.fault_of_folder(path) or self._not_its_folder(key, path)
            if not fault and path.count("\\") < _DEEP and path not in taken:
                fault = "folder of many"  # so near to the root a name must fit, and there is none
            if fault or not any(_lies_in(path, home) for home in held):
                self._keep(found["folders"], value, fault)
                held += [path] * (not fault)
        for value in said("files", (file for each in added for file in each.files)):
            fault = shared.fault_of_program(value.rpartition("/")[2].lower(), "")
            self._keep(found["files"], value, fault)
        files = [str(each) for each in (*product.get("files", ()), *found["files"])]
        words = shared.own_words(
            [name for each in added for name in (each.name, _site(each))]
            + [str(product["name"]), *map(str, product.get("aliases", ()))]
        )
        for name in said("processes", (name for each in added for name, _ in each.programs)):
            seen = places[name.lower()]
            fault = self._not_its_name(key, name.lower(), seen)
            if not fault and (held or files) and not any(f.endswith(f"/{name}") for f in files):
                # With a folder of its own, a name also tells where the program is out of place.
                at_home = any(_lies_in(folder, home) for folder in seen for home in held)
                fault = "" if at_home else "name without its folder"
                fault = fault or ("" if _bears(name, words) else "name without the product's")
            self._keep(found["processes"], name, fault)
        for value in said("signers", (signer for each in added for signer in each.signers)):
            fault = "" if _bears(value, words) else "signer of others"
            self._keep(found["signers"], value, fault)
        for value in said("services", (name for each in added for name in each.services)):
            own = _bears(value, words | {shared.letters(n[:-4]) for n in found["processes"]})
            self._keep(found["services"], value, "" if own else "service of others")
        for value in said("hosts", (host for each in added for host in each.hosts)):
            self._keep(found["hosts"], value, self._not_its_host(key, value, words))
        return {name: values[:MOST] for name, values in found.items()}

    def _keep(self, kept: list[str], value: str, fault: str) -> None:
        if fault:
            self.counts[fault] += 1
        else:
            kept.append(value)

    def _not_its_name(self, key: str, name: str, folders: Iterable[str]) -> str:
        faults = (shared.fault_of_program(name, folder) for folder in ("", *folders))
        if fault := next(filter(None, faults), ""):
            return fault
        return "another product's" if self.by_program.get(name, set()) - {key} else ""

    def _not_its_folder(self, key: str, path: str) -> str:
        for folder, other in self.folders:
            if other != key and (path.startswith(folder) or folder.startswith(path)):
                return "another product's"
        return ""

    def _not_its_host(self, key: str, host: str, words: frozenset[str]) -> str:
        """A host is its own where its owner's part bears the name of the product or of its web
        site: others are those of a cloud, or of intruders who have used the tool."""
        owners = self.above_host.get(host, set()).union(
            *(self.by_host.get(each, ()) for each in (host, *_parents(host)))
        )
        if owners - {key}:
            return "another product's"
        own = not shared.is_shared_site(host) and _bears(shared.own_label(host), words)
        return "" if own else "host of others"


def _given(rule: Rule, product: Mapping[str, Any]) -> Rule:
    """The rule with what an alert must show for its statements."""
    conditions = _conditions(product)
    return replace(
        rule,
        falsepositives=tuple(replace(fp, conditions=conditions) for fp in rule.falsepositives),
    )


def _conditions(product: Mapping[str, Any]) -> Conditions | None:
    """Such as an intruder can bring about: that a tool is there never fits by itself, so there are
    none for a product that would."""
    if product["category"] not in BROUGHT_ALONG:
        return None
    if any(product.get(name) for name in _HOME):
        return Conditions((str(product["key"]),), "process")
    hosts = [f".{host}" for host in product.get("hosts", ()) if "*" not in host]
    if not hosts:
        return None
    return Conditions(fits=json.dumps({"domain|endswith": sorted(hosts)}, ensure_ascii=False))


def _new(held: Iterable[object], values: Iterable[str]) -> list[str]:
    """The values that are not there yet, in whatever case."""
    there = {str(each).lower() for each in held}
    return [value for value in _once(values) if value.lower() not in there]


def _once(values: Iterable[str]) -> Iterator[str]:
    """Each value once, in whatever case, without the bar that parts them in a cell."""
    seen: set[str] = set()
    for value in values:
        if value.lower() not in seen and "|" not in value:
            seen.add(value.lower())
            yield value


def _site(product: Product) -> str:
    """What the address of its web site calls it, where that is a site of its own."""
    return "" if shared.is_shared_site(product.site) else shared.own_label(product.site)


def _parents(host: str) -> list[str]:
    """`b.c` and `c` of `a.b.c`."""
    labels = host.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels))]


def _bears(name: str, words: Iterable[str]) -> bool:
    """Whether a name has one of the words in it."""
    own = shared.letters(name)
    return any(word in own for word in words if word)


def _lies_in(folder: str, home: str) -> bool:
    """Whether a folder is another one or below it, both folded and perhaps with `*`."""
    if "*" not in home:
        return folder.startswith(home)
    parts, wanted = folder.split("\\"), home.rstrip("\\").split("\\")
    return len(parts) > len(wanted) and all(map(_is_like, wanted, parts))


def _is_like(wanted: str, part: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), part) is not None


def _values(product: Product) -> int:
    return sum(len(each) for each in (product.programs, product.folders, product.hosts))


def _without_alias(product: Product) -> Iterator[str]:
    """`X (formerly Y)` is X and Y; of other words in brackets nobody knows what they mean."""
    if product.aliases:
        yield product.name.partition("(")[0]
        yield from product.aliases


def _page(seen: str) -> str:
    """A file of a repository, wherever in it: `magicsword-io/LOLRMM anydesk.yaml`."""
    repository, _, path = seen.lower().partition(" ")
    return f"{repository} {path.rpartition('/')[2]}" if path else ""


def _key(name: str) -> str:
    own = shared.letters(name)
    if not own.isascii():
        return "tool-" + own.encode().hex()[:40]
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
