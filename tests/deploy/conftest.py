from collections.abc import Iterator

import pytest

from main import FUNCTIONS


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    """Put main's table back as it was, its order too: deleting a line and setting it moves it."""
    kept = dict(FUNCTIONS)
    yield
    FUNCTIONS.clear()
    FUNCTIONS.update(kept)
