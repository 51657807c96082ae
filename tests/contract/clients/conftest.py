"""One local Datastore for the clients; each has its own project in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.datastore.api.server import serve

INDEX_FILE = Path(__file__).with_name("index.yaml")


@pytest.fixture(scope="session")
def emulator_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The value of DATASTORE_EMULATOR_HOST for a client of the local Datastore."""
    handle = serve(tmp_path_factory.mktemp("clients"), index_file=INDEX_FILE)
    yield handle.host
    handle.stop()
