"""The one error of the search side."""

from __future__ import annotations


class SearchError(Exception):
    """One sentence for an analyst that names the file or the option and what to do."""
