"""Property: whatever two writers do, no acknowledged write is lost."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.datastore import Store, Transaction, connect, key, key_of
from lib.errors import AlreadyExists, AmendsError, NotFound, VersionMismatch
from tests.contract.layer import PROJECT
from tests.unit.datastore.models import TaskList

NAMES = ["a", "b", "c"]
VERBS = ["look", "insert", "update", "upsert", "delete", "update_if", "delete_if", "transact"]
OPERATIONS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.sampled_from(VERBS), st.sampled_from(NAMES)),
    min_size=50,
    max_size=50,
)


@dataclass
class Writers:
    """Two clients, what each has seen last, and what the store must hold."""

    stores: tuple[Store, Store]
    expected: dict[str, TaskList] = field(default_factory=dict)
    seen: dict[tuple[int, str], TaskList] = field(default_factory=dict)

    def run(self, number: int, writer: int, verb: str, name: str) -> None:
        store, now = self.stores[writer], self.expected.get(name)
        new = TaskList(id=name, name=str(number))
        mine = self.seen.get((writer, name))
        if verb == "look":
            found = store.find(key(TaskList, name))
            assert found == now
            self.remember(writer, name, found)
        elif verb == "insert":
            self.attempt(writer, name, AlreadyExists, now is not None, lambda: store.insert(new))
        elif verb == "update":
            self.attempt(writer, name, NotFound, now is None, lambda: store.update(new))
        elif verb == "upsert":
            self.attempt(writer, name, AmendsError, False, lambda: store.upsert(new))
        elif verb == "delete":
            self.attempt(writer, name, AmendsError, False, lambda: store.delete(key_of(new)))
        elif verb == "transact":
            work = partial(store.transact, partial(append, name=name, number=number))
            self.attempt(writer, name, NotFound, now is None, work)
        elif mine is not None:
            self.run_if(store, writer, verb, new, mine)

    def run_if(self, store: Store, writer: int, verb: str, new: TaskList, mine: TaskList) -> None:
        now = self.expected.get(new.id)
        stale = now is None or now.version != mine.version
        refusals = (VersionMismatch, NotFound) if now is None else (VersionMismatch,)

        def work() -> TaskList | None:
            if verb == "update_if":
                return store.update(new, if_version=mine.version)
            store.delete(key_of(new), if_version=mine.version)
            return None

        self.attempt(writer, new.id, refusals, stale, work)

    def attempt(
        self,
        writer: int,
        name: str,
        refusal: type[AmendsError] | tuple[type[AmendsError], ...],
        refused: bool,
        work: Callable[[], TaskList | None],
    ) -> None:
        try:
            stored = work()
        except refusal:
            assert refused
        else:
            assert not refused
            self.remember(writer, name, stored)
            self.expected.pop(name, None)
            if stored is not None:
                self.expected[name] = stored

    def remember(self, writer: int, name: str, found: TaskList | None) -> None:
        self.seen.pop((writer, name), None)
        if found is not None:
            self.seen[writer, name] = found


def append(tx: Transaction, name: str, number: int) -> TaskList:
    found = tx.get(key(TaskList, name))
    return tx.update(replace(found, name=f"{found.name},{number}"))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(OPERATIONS)
def test_fifty_operations_of_two_writers_lose_no_acknowledged_write(
    datastore_host: str, operations: list[tuple[int, str, str]]
) -> None:
    connection = connect(PROJECT, emulator_host=datastore_host)
    namespace = f"n{uuid.uuid4().hex}"
    first, second = (Store(connection, namespace=namespace) for _ in range(2))
    writers = Writers((first, second))
    for number, (writer, verb, name) in enumerate(operations):
        writers.run(number, writer, verb, name)
    for name in NAMES:
        assert first.find(key(TaskList, name)) == writers.expected.get(name)
    connection.close()


def test_concurrent_additions_of_two_writers_are_stored_or_refused(
    store: Store, other: Store
) -> None:
    store.insert(TaskList(id="a"))

    def write(client: Store, start: int) -> list[int]:
        acknowledged = []
        for number in range(start, start + 25):
            seen = client.get(key(TaskList, "a"))
            try:
                changed = replace(seen, name=f"{seen.name},{number}")
                client.update(changed, if_version=seen.version)
            except VersionMismatch:
                continue
            acknowledged.append(number)
        return acknowledged

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(write, client, 100 * i) for i, client in enumerate((store, other))]
        acknowledged = [number for future in done for number in future.result()]
    written = store.get(key(TaskList, "a")).name.split(",")[1:]
    assert sorted(map(int, written)) == sorted(acknowledged)
    assert acknowledged
