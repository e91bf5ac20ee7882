"""What runs inside Splunk: standard library and splunklib only, Python 3.9 syntax.

The same modules answer `lofp-enrich enrich` and `explain`, so that an answer on the command line is
the answer in a search.
"""
