from collections.abc import Iterator

import pytest

from main import FUNCTIONS


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    """Restore main's table and its order: deleting and setting a line moves it."""
    kept = dict(FUNCTIONS)
    yield
    FUNCTIONS.clear()
    FUNCTIONS.update(kept)
