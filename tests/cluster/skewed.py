"""The operator on a machine whose clock is wrong by so many seconds: `skewed.py SECONDS`."""

import datetime
import runpy
import sys
import time

SECONDS = float(sys.argv[1])
_now, _time = datetime.datetime.now, time.time


class Skewed(datetime.datetime):
    """Says another time."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "Skewed":
        found = _now(tz) + datetime.timedelta(seconds=SECONDS)
        return cls.fromisoformat(found.isoformat())


time.time = lambda: _time() + SECONDS
datetime.datetime = Skewed  # type: ignore[misc]
sys.argv = ["hotfix"]
runpy.run_module("hotfix", run_name="__main__", alter_sys=True)
