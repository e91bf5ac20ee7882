"""What the alerts of one search had of that which an answer goes by."""

from __future__ import annotations

from collections.abc import Iterable

from lofp_enrich.search.alert.reader import Alert

_SAYS_WHAT = ("process", "command_line", "parent", "file", "registry", "service", "operation")
"""Attributes that say what ran or what was done: an explanation can be found by them."""


class Seen:
    """Grows with every alert that is answered; what is missing can be said after the last one."""

    def __init__(self) -> None:
        self.alerts = 0
        self.raw = False
        """Whether any of them came with `_raw`."""
        self.understood = False
        """Whether any of them named a technique or a rule, or said what ran."""

    def add(self, alert: Alert, raw: bool, named: Iterable[str]) -> None:
        """Counts an alert; `named` are its techniques and the names of its rule."""
        self.alerts += 1
        self.raw |= raw
        self.understood = self.understood or any(named) or any(map(alert.get, _SAYS_WHAT))

    @property
    def is_blank(self) -> bool:
        """Nothing could be read of any alert, and no `_raw` was there to read instead."""
        return self.alerts > 0 and not (self.understood or self.raw)
