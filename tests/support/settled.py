"""Waiting until every saga of a stack has ended."""

from datetime import timedelta

from demo.caller import Caller
from tests.support.wait import wait_until


def wait_until_settled(caller: Caller, count: int, within: timedelta) -> None:
    """Return once this number of sagas has ended; fail with counts by status after `within`."""
    wait_until(
        lambda: caller.call("GET", "count-sagas"),
        lambda counts: counts["COMPLETED"] + counts["ROLLED_BACK"] == count,
        within,
    )
