"""Random sequences of operations have the same answers here and on Google's Firestore emulator.

``SEQUENCES`` says how many; the default is what a test run has time for. What is known to differ
stands in ``differences``. Two servers of ours take
part: one has composite indexes for many of the queries and one has none at all, so that an answer
does not depend on the plan.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from local.datastore.api.server import serve
from tests.contract.differential.differences import DIFFERENCES, is_known
from tests.contract.differential.generation import SEQUENCES
from tests.contract.differential.session import Session, attempt
from tests.support.emulators import Emulator

COUNT = os.environ.get("SEQUENCES")


@pytest.fixture(scope="module")
def sessions(
    start_emulator: Callable[[str], Emulator], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Session]]:
    """The emulator, a server of ours with many indexes and one without any."""
    emulator = start_emulator("fsd")
    folder = tmp_path_factory.mktemp("differential")
    (folder / "index.yaml").write_text("\n".join(["indexes:", *list_indexes()]))
    indexed = serve(folder / "a", index_file=folder / "index.yaml", require_indexes=False)
    plain = serve(folder / "b", require_indexes=False)
    opened = [Session(host) for host in (emulator.host, indexed.host, plain.host)]
    yield opened
    for one in opened:
        one.wire.close()
    indexed.stop()
    plain.stop()


def list_indexes() -> Iterator[str]:
    """Yield the lines of an index file with many pairs of columns, with and without ancestor."""
    for ancestor in ("no", "yes"):
        for first, second in [("p", "q"), ("q", "p"), ("s", "t"), ("t", "s")]:
            for direction in ("asc", "desc"):
                yield f"- kind: K\n  ancestor: {ancestor}\n  properties:"
                yield f"  - name: {first}\n  - name: {second}\n    direction: {direction}"


@settings(
    max_examples=int(COUNT or 200),
    deadline=None,
    derandomize=COUNT is None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
@given(sequence=SEQUENCES)
def test_answers_are_the_same_differential_fsd(sessions: list[Session], sequence: Any) -> None:
    name = f"d{uuid.uuid4().hex}"
    for session in sessions:
        session.start(name)
    for operation in sequence:
        if is_known(operation, DIFFERENCES):
            continue
        expected, *answers = [attempt(operation.perform, one) for one in sessions]
        event(f"{type(operation).__name__}: {expected[0]}")
        if "ABORTED" in repr(expected):
            return  # Though nobody else is there: see differences.
        for one in answers:
            assert one == expected, operation
