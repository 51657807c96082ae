"""Refuses unit tests that use a socket or start a process."""

import sys
from collections.abc import Iterator

import pytest

from tests.support.unit_guard import UnitGuard

GUARD = UnitGuard()
sys.addaudithook(GUARD.audit)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Guard a test's fixtures too, including those of its module."""
    GUARD.test = item.nodeid


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    GUARD.test = None


@pytest.fixture(autouse=True)
def unit_guard() -> Iterator[UnitGuard]:
    """Fail a test whose code caught the refusal."""
    yield GUARD
    GUARD.check()
