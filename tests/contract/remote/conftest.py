from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from lib.datastore import Store
from lib.saga.definition.context import StepContext
from tests.contract.remote.service import Service, running


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with running() as service:
        yield service


@pytest.fixture
def service(server: Service) -> Service:
    server.asked.clear()
    server.left.clear()
    server.says(200)
    return server


@pytest.fixture
def call() -> StepContext:
    return StepContext(
        saga_id="s1",
        step="charge",
        attempt=2,
        idempotency_key="s1/charge",
        fencing_token=7,
        deadline=datetime.now(UTC) + timedelta(seconds=60),
        store=cast(Store, None),
    )
