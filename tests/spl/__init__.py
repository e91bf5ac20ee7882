"""One reader and one interpreter of Splunk's search language, for all tests.

`syntax` takes a search apart, `evaluation` knows the expressions of eval and where, `search` runs
the commands that this app uses on rows, and `site` is a search head that has the packaged app. All
raise `SplError` for what splunkd would refuse, and for what they do not know.
"""
