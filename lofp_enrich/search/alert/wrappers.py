"""What exports and sensors put round alerts: names that hold an alert together and say nothing."""

from __future__ import annotations

OF_MANY = ("value", "Records", "alerts", "data", "resources", "results", "result", "hits")
"""Members that hold a list of alerts: of Microsoft Graph, CloudTrail, APIs, Elasticsearch."""
OF_ONE = ("result", "_source")
"""Members that hold one: of Splunk's and Elasticsearch's exports."""

WORDS = frozenset(
    (
        *(name.lower().lstrip("_") for name in (*OF_MANY, *OF_ONE)),
        *"event alert properties attributes fields document finding detection threat info".split(),
        *"detail details raw signal body payload record".split(),
    )
)
"""Words of fields' names that mean nothing by themselves."""
