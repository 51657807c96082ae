"""The deployment's probe saga: a release refuses itself on a database that is not safe."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from lib.datastore import Query, Rpc, connect
from lib.probe import DEPLOYMENT_PROBE, ProbeWrite
from tests.saga.bench import Bench


class Forgetful:
    """A connection to a database that overlooks what some mutations ask for."""

    def __init__(self, inner: Rpc, overlook: Callable[[Any], None]) -> None:
        self.inner = inner
        self.project, self.database = inner.project, inner.database
        self._overlook = overlook

    def call(self, method: str, request: Any, timeout: float) -> Any:
        if method == "Commit":
            for mutation in request.mutations:
                self._overlook(mutation)
        return self.inner.call(method, request, timeout)

    def close(self) -> None:
        self.inner.close()


def overlook_version(mutation: Any) -> None:
    mutation.ClearField("base_version")
    mutation.ClearField("conflict_resolution_strategy")


def overlook_strategy(mutation: Any) -> None:
    mutation.ClearField("conflict_resolution_strategy")


def overlook_existence(mutation: Any) -> None:
    if mutation.HasField("insert"):
        entity = mutation.insert.SerializeToString()
        mutation.upsert.ParseFromString(entity)


def run_probe(host: str, overlook: Callable[[Any], None]) -> Bench:
    rpc = connect(project=f"p{uuid4().hex[:12]}", emulator_host=host)
    bench = Bench(Forgetful(rpc, overlook), DEPLOYMENT_PROBE)
    bench.engine.start(DEPLOYMENT_PROBE.name, "probe-1", {})
    bench.run_to_end()
    return bench


def test_the_probe_completes_on_a_database_that_refuses_stale_writes(host: str) -> None:
    bench = run_probe(host, lambda _: None)
    assert bench.statuses("probe-1")[0] == "COMPLETED"
    assert bench.store.count(Query(ProbeWrite)) == 0


@pytest.mark.parametrize("overlook", [overlook_version, overlook_strategy])
def test_the_probe_does_not_complete_on_a_database_that_takes_a_stale_write(
    host: str, overlook: Callable[[Any], None]
) -> None:
    bench = run_probe(host, overlook)
    saga, steps = bench.load("probe-1")
    assert (saga.status, steps[1].status) == ("ROLLED_BACK", "PENDING")
    assert "taken a write with a stale base_version" in saga.error


def test_the_probe_does_not_complete_on_a_database_that_inserts_what_exists(host: str) -> None:
    bench = run_probe(host, overlook_existence)
    assert bench.load("probe-1")[0].status == "ROLLED_BACK"
    assert "inserted what exists" in bench.load("probe-1")[0].error
