"""Waiting until every saga of a stack has ended."""

import time
from datetime import timedelta

from demo.caller import Caller


def wait_until_settled(caller: Caller, count: int, within: timedelta) -> None:
    """Return when so many sagas have ended; fail with the counts by status after `within`."""
    ends = time.monotonic() + within.total_seconds()
    while True:
        counts = caller.call("GET", "count-sagas")
        if counts["COMPLETED"] + counts["ROLLED_BACK"] == count:
            return
        assert time.monotonic() < ends, counts
        time.sleep(0.05)
