"""The servers that the contract cases run on: ours, and Google's two emulators where installed."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.datastore.server import serve
from tests.contract.layer import faults, namespace, other, store  # noqa: F401  fixtures
from tests.contract.wire import Wire

#: The name of each emulator and the arguments that start it.
EMULATORS = {
    "classic": "beta emulators datastore start --no-store-on-disk --consistency=1.0",
    "fsd": "emulators firestore start --database-mode=datastore-mode",
}
_PATIENCE = 60.0
#: Ends gcloud and the Java that it starts, in a process group of gcloud's own, as soon as the
#: other end of stdin closes: when the session ends, however it ends.
_TETHERED = ["sh", "-c", '"$@" & read -r _; kill -9 -$! 0', "sh", "gcloud"]
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


@dataclass
class Emulator:
    """One of Google's emulators, in a process group of its own with the Java that it starts."""

    host: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://{self.host}/", timeout=1):
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        pytest.fail(f"the emulator did not start:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start_emulator(name: str, folder: Path) -> Emulator:
    host = f"127.0.0.1:{_find_free_port()}"
    log = folder / f"{name}.log"
    environment = os.environ | {
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CONFIG": str(folder / name),
        # By itself the Firestore emulator takes 2.3 GB.
        "JAVA_TOOL_OPTIONS": "-Xmx512m",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_TETHERED, *EMULATORS[name].split(), f"--host-port={host}", "--project=x"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    return Emulator(host, process, log)


@pytest.fixture(scope="session")
def start_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Emulator]]:
    """Returns one of Google's emulators, started when it is first asked for."""
    started: dict[str, Emulator] = {}

    def start(name: str) -> Emulator:
        if not (shutil.which("gcloud") and shutil.which("java")):
            pytest.skip(f"Google's emulator {name} needs gcloud and java, which are not installed")
        if name not in started:
            started[name] = _start_emulator(name, tmp_path_factory.mktemp("emulators"))
            started[name].wait_until_ready()
        return started[name]

    yield start
    for emulator in started.values():
        emulator.stop()


@pytest.fixture(scope="session")
def local_datastore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our own server, with the index file of the contract cases."""
    handle = serve(tmp_path_factory.mktemp("datastore"), index_file=INDEX_FILE)
    yield handle.host
    handle.stop()


@pytest.fixture(params=["local", *EMULATORS])
def datastore_host(request: pytest.FixtureRequest) -> str:
    """The host of each Datastore in turn; a case's known deviations are expected to fail."""
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
    """Raw requests to each Datastore in turn, in a namespace of the case's own."""
    with Wire(datastore_host, namespace=f"n{uuid.uuid4().hex}") as opened:
        yield opened


@pytest.fixture
def local_wire(local_datastore_host: str) -> Iterator[Wire]:
    """Raw requests to our own server, for what no emulator has."""
    with Wire(local_datastore_host, namespace=f"n{uuid.uuid4().hex}") as opened:
        yield opened
