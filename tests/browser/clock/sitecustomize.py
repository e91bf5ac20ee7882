"""Stops the clock for the command that the tests run: own explanations are in force by date."""

import datetime
import os

_NOW = float(os.environ["LOFP_TEST_NOW"])


class _Stopped(datetime.datetime):
    @classmethod
    def now(cls, tz=None):  # type: ignore[no-untyped-def]
        return cls.fromtimestamp(_NOW, tz)


datetime.datetime = _Stopped  # type: ignore[misc]
