import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.caller import Caller
from local.stack import Stack


def pytest_report_header() -> str:
    """Say which Datastores the contract cases run on."""
    missing = [name for name in ("gcloud", "java") if shutil.which(name) is None]
    if missing:
        return f"contract cases: the local Datastore alone ({' and '.join(missing)} not installed)"
    return "contract cases: the local Datastore and Google's two emulators"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, started once; tests keep out of each other's way by their ids."""
    data: Path = tmp_path_factory.mktemp("stack")
    with Stack(data=data, port=0, env={"AMENDS_ALLOW_FAULTS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def caller(stack: Stack) -> Caller:
    return Caller(stack.url)
