from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.caller import Caller
from local.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, started once; tests keep out of each other's way by their ids."""
    data: Path = tmp_path_factory.mktemp("stack")
    with Stack(data=data, port=0, env={"AMENDS_ALLOW_FAULTS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def caller(stack: Stack) -> Caller:
    return Caller(stack.url)
