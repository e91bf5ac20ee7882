"""`python -m tests.live https://splunk.example:8089 [CA.pem]`: the live kit, on an app that is
installed there. The token is in LOFP_SPLUNK_TOKEN; `make test-splunk` starts it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from lofp_enrich import __version__
from lofp_enrich.deploy import package
from lofp_enrich.deploy.client import Client, Limits
from lofp_enrich.deploy.credentials import find_secret
from lofp_enrich.errors import LofpError
from tests.demo import install
from tests.live.kit import APP, Emulator, Live, run
from tests.live.searches import checks
from tests.spl.evaluation import Clock
from tests.spl.site import Splunk
from tests.splunkd import FakeSplunkd

LOOKUPS = Path(__file__).parents[2] / "lookups"


def emulator(folder: Path, clock: Clock | None = None) -> Emulator:
    """The app as it is packaged from here, with its starter lookups, in the emulator."""
    archive = folder / "app.tar.gz"
    package.write_app(LOOKUPS, archive)
    app = install(archive, folder / "etc")
    splunkd = FakeSplunkd(app, sys.executable, work_dir=folder, probes={})
    return Emulator(Splunk(splunkd, [], clock or Clock(time.time())))


def main(url: str, ca: str = "", clock: Clock | None = None) -> int:
    """0 where the app says there what it says here, 1 where not, 2 where it could not be asked."""
    # So that what is to be removed is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        secret = find_secret(os.environ)
        with (
            tempfile.TemporaryDirectory() as folder,
            Client(
                url, secret, app=APP, ca=Path(ca) if ca else None, limits=Limits(silence=120)
            ) as door,
        ):
            found = door.get(f"/services/apps/local/{APP}")
            version = str(found["entry"][0]["content"].get("version", "?"))
            print(f"lofp_enrich {version} there, {__version__} here", flush=True)
            if version != __version__:
                print("Install the app of this version first: other versions answer otherwise.")
                return 2
            outcomes = run(Live(door), emulator(Path(folder), clock), checks(), print)
    except LofpError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    odd = [each for each in outcomes if each.state != "same"]
    print(f"{len(outcomes)} checks, {len(odd)} not as the emulator says.")
    if odd:
        print("Where the catalogue there is another, explanations differ: install the app that")
        print("`make app` builds on a test machine to compare all.")
    return 1 if odd else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.live https://splunk.example:8089 [CA.pem]")
    sys.exit(main(sys.argv[1], "".join(sys.argv[2:])))
