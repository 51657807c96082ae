"""A store on each Datastore in turn, each case in its own namespace."""

import uuid
from collections.abc import Iterator

import pytest

from lib.datastore import Store, connect
from tests.unit.datastore.connections import FaultyConnection

PROJECT = "x"


@pytest.fixture
def namespace() -> str:
    return f"n{uuid.uuid4().hex}"


@pytest.fixture
def faults(datastore_host: str) -> Iterator[FaultyConnection]:
    """The store's connection, which counts calls, and fails those that a case chooses."""
    connection = FaultyConnection(connect(PROJECT, emulator_host=datastore_host))
    yield connection
    connection.close()


@pytest.fixture
def store(faults: FaultyConnection, namespace: str) -> Store:
    return Store(faults, namespace=namespace, sleep=lambda _: None)


@pytest.fixture
def other(datastore_host: str, namespace: str) -> Iterator[Store]:
    """Another client of the same namespace."""
    made = Store(connect(PROJECT, emulator_host=datastore_host), namespace=namespace)
    yield made
    made.close()
