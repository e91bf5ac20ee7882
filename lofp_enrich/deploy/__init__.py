"""The app as one archive, and an installed app's lookups over splunkd's REST API."""
