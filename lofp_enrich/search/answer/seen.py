"""What the alerts of one search had of that which an answer goes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lofp_enrich.search.alert.reader import Alert, texts_of
from lofp_enrich.search.answer.options import FIELDS, Options

_SAYS_WHAT = ("process", "command_line", "parent", "file", "registry", "service", "operation")
"""Attributes that say what ran or what was done: an explanation can be found by them."""


class Seen:
    """Grows with every alert that is answered; what is missing can be said after the last one."""

    def __init__(self, options: Options) -> None:
        self.alerts = 0
        self.raw = False
        """Whether any of them came with `_raw`."""
        self.understood = False
        """Whether any of them named a technique or a rule, or said what ran."""
        self._unseen = [(option, name) for option in FIELDS for name in getattr(options, option)]

    def add(self, values: Mapping[str, Any], alert: Alert, named: Iterable[str]) -> None:
        """Counts an alert; `named` are its techniques and the names of its rule."""
        self.alerts += 1
        self.raw = self.raw or bool(values.get("_raw"))
        self.understood = self.understood or any(named) or any(map(alert.get, _SAYS_WHAT))
        if self._unseen:
            self._unseen = [each for each in self._unseen if not texts_of(values, each[1])]

    @property
    def is_blank(self) -> bool:
        """Nothing could be read of any alert, and no `_raw` was there to read instead."""
        return self.alerts > 0 and not (self.understood or self.raw)

    @property
    def missed(self) -> list[str]:
        """One sentence for each field that an option names and no alert so far had."""
        if not self.alerts:
            return []
        return [
            f'{option} names "{name[:100]}", which no alert had; give the field as the alerts '
            f"spell it, or leave {option} out."
            for option, name in self._unseen
        ]
