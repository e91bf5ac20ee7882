"""Which explanations an alert gets, and in which order."""
