"""Puts the known harmless explanations of an alert on the alert."""

__version__ = "0.1.0"
