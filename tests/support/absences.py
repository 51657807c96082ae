"""Dependencies of tests that a machine may lack: then they are skipped, but never in CI.

In CI (the variable CI is set) such a test fails, unless AMENDS_TESTS_WITHOUT says that this CI is
meant to lack them, for example "emulators, node".
"""

import os
from typing import NoReturn

import pytest


def may_lack(part: str) -> bool:
    """Return whether a test may be skipped without this dependency."""
    without = os.environ.get("AMENDS_TESTS_WITHOUT", "").replace(",", " ").split()
    return not os.environ.get("CI") or part in without


def do_without(part: str, reason: str) -> NoReturn:
    """Skip the test, or fail it if the dependency must not be missing."""
    if may_lack(part):
        pytest.skip(reason)
    pytest.fail(
        f"{reason}; in CI this test must run: install that, or set AMENDS_TESTS_WITHOUT={part}"
    )
