"""A saga that is too large for one answer of Datastore is read as it was at one time."""

from collections.abc import Callable
from typing import Any

import pytest

from lib.datastore import Store
from lib.saga.definition.context import Permanent
from lib.saga.engine.repository import SagaRepository
from tests.saga.bench import Bench, Probe, make_saga, start
from tests.unit.datastore.connections import CountingConnection

LARGE = "x" * 250_000
NAMES = tuple(f"s{number:02}" for number in range(20))


class Interrupted(CountingConnection):
    """Has something happen after the first Lookup."""

    meanwhile: Callable[[], object] | None = None

    def call(self, method: str, request: Any, timeout: float) -> Any:
        answer = super().call(method, request, timeout)
        if method == "Lookup" and self.meanwhile is not None:
            then, self.meanwhile = self.meanwhile, None
            then()
        return answer


@pytest.fixture
def large(bench: Bench, probe: Probe) -> Bench:
    bench.engine = bench.make_engine(make_saga(probe, names=NAMES))
    for name in NAMES[:-1]:
        probe.on[name] = lambda _: LARGE
    probe.on[NAMES[-1]] = refuse
    start(bench)
    for _ in NAMES:
        bench.deliver()
    return bench


def refuse(_: Any) -> None:
    raise Permanent("no")


def test_a_saga_is_never_loaded_with_a_root_and_steps_of_two_times(large: Bench) -> None:
    connection = Interrupted(large.rpc.inner)
    connection.meanwhile = large.deliver
    before = large.load("s")
    loaded = SagaRepository(Store(connection)).load("s", len(NAMES))
    assert connection.calls["Lookup"] > 1
    assert loaded is not None
    assert (loaded.saga, loaded.steps) == before
    assert large.statuses("s")[-2:] == ["COMPENSATED", "FAILED"]
