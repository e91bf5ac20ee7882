"""Snapshots of rule repositories and of ATT&CK: fetched, checked, kept."""
