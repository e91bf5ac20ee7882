"""Weighs the explanations of one alert."""

from __future__ import annotations

from lofp_enrich.search.alert.reader import Alert
from lofp_enrich.search.answer.actors import Actor, actors
from lofp_enrich.search.answer.evidence import OPEN, Evidence, weigh
from lofp_enrich.search.knowledge.conditions import ConditionsIndex, Shortlist
from lofp_enrich.search.knowledge.software import SoftwareIndex


class Weigher:
    """Weighs explanations against one alert; what software it shows is found once."""

    def __init__(self, software: SoftwareIndex, conditions: ConditionsIndex, alert: Alert) -> None:
        self._software = software
        self._conditions = conditions
        self._alert = alert
        self._sightings = list(software.sightings(alert))
        self._weighed: dict[str, Evidence] = {}

    def entry(self, entry_id: str) -> Evidence:
        """How an entry stands to the alert; `open` where it has no conditions."""
        if entry_id not in self._weighed:
            wanted = self._conditions.of(entry_id)
            self._weighed[entry_id] = (
                weigh(wanted, self._alert, self._sightings, self._software)
                if wanted
                else Evidence(OPEN, "")
            )
        return self._weighed[entry_id]

    def likely(self, shortlist: Shortlist) -> list[str]:
        """The entries of a shortlist that the alert may meet."""
        return shortlist.of(self._alert, dict.fromkeys(each.key for each in self._sightings))

    def actors(self) -> list[Actor]:
        """The known software that the alert shows."""
        return actors(self._software, self._sightings, self._alert)
