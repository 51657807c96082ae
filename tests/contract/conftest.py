"""The servers of the contract cases: ours, and Google's two emulators where installed."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.datastore.api.server import serve
from tests.contract.layer import faults, namespace, other, store  # noqa: F401  fixtures
from tests.contract.wire import Wire
from tests.support.absences import do_without
from tests.support.emulators import EMULATORS, Emulator, are_installed
from tests.support.emulators import start_emulator as launch

#: The index file of the cases; Google's emulators are started without enforcement.
INDEX_FILE = Path(__file__).with_name("index.yaml")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "lacks(emulator, reason): an emulator of Google's does not have this at all"
    )
    config.addinivalue_line(
        "markers",
        "deviation(emulator, reason): an emulator of Google's is known to answer differently",
    )


def need_emulators(name: str) -> None:
    """Skip the case, or fail in CI, if an emulator of Google's is not installed."""
    if not are_installed():
        reason = f"Google's emulator {name} needs gcloud and java, which are not installed"
        do_without("emulators", reason)


@pytest.fixture(scope="session")
def start_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Emulator]]:
    """Returns one of Google's emulators, started when it is first asked for."""
    started: dict[str, Emulator] = {}

    def start(name: str) -> Emulator:
        need_emulators(name)
        if name not in started:
            started[name] = launch(name, tmp_path_factory.mktemp("emulators"))
            started[name].wait_until_ready()
        return started[name]

    yield start
    for emulator in started.values():
        emulator.stop()


@pytest.fixture(scope="session")
def local_datastore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The local server, with the index file of the contract cases."""
    handle = serve(tmp_path_factory.mktemp("datastore"), index_file=INDEX_FILE)
    yield handle.host
    handle.stop()


@pytest.fixture(params=["local", *EMULATORS])
def datastore_host(request: pytest.FixtureRequest) -> str:
    """The host of each Datastore in turn; known deviations are expected failures."""
    name = request.param
    for mark in request.node.iter_markers("lacks"):
        if mark.args[0] == name:
            pytest.skip(f"{name}: {mark.args[1]}")
    for mark in request.node.iter_markers("deviation"):
        if mark.args[0] == name:
            request.applymarker(pytest.mark.xfail(reason=mark.args[1], strict=True))
    if name == "local":
        return str(request.getfixturevalue("local_datastore_host"))
    return str(request.getfixturevalue("start_emulator")(name).host)


@pytest.fixture
def wire(datastore_host: str) -> Iterator[Wire]:
    """Raw requests to each Datastore in turn, each case in its own namespace."""
    with Wire(datastore_host, namespace=f"n{uuid.uuid4().hex}") as opened:
        yield opened


@pytest.fixture
def local_wire(local_datastore_host: str) -> Iterator[Wire]:
    """Raw requests to the local server, for what no emulator supports."""
    with Wire(local_datastore_host, namespace=f"n{uuid.uuid4().hex}") as opened:
        yield opened
