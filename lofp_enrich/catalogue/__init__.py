"""From the rules of all sources to the lookup files."""
