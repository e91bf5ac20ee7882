"""Entry point of `| lofpenrich`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from splunklib.searchcommands import dispatch

from lofp_enrich.search.splunk.command import LofpEnrichCommand

dispatch(LofpEnrichCommand, sys.argv, sys.stdin, sys.stdout, __name__)
