"""Entry point of the alert action `lofp_explain`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from lofp_enrich.search.splunk.alert_action import main

sys.exit(main(sys.argv, sys.stdin.buffer, os.environ))
