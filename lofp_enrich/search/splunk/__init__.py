"""The doors to Splunk: the search command and the alert action."""

from __future__ import annotations

from pathlib import Path

LOOKUPS = Path(__file__).resolve().parents[5] / "lookups"
"""`<app>/lookups`, seen from `<app>/bin/lib/lofp_enrich/search/splunk/`: on an indexer the app lies
in the knowledge bundle, so neither SPLUNK_HOME nor the app's name lead there."""
