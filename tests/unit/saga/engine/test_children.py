"""What a child's end, a pause and a daily look do to parent and children, without Datastore."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.datastore import key
from lib.errors import Conflict, Unavailable
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal
from lib.saga.definition.table import Definitions
from lib.saga.engine.children import Children
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.retention import KEEP
from lib.saga.engine.sweep.daily_look import examine, look
from lib.saga.machine.inputs import Input
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import SagaRecord
from lib.saga.testing import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Queue:
    """Keeps all deliveries."""

    def __init__(self) -> None:
        self.waiting: list[Delivery] = []

    def enqueue(self, delivery: Delivery) -> None:
        self.waiting.append(delivery)


def child_of(name: str, *steps: Element) -> Child[Any]:
    return Child[Any, Any](name, saga=Saga(name, payload=int, steps=steps), payload=lambda *_: 1)


def begin(*steps: Element | Parallel) -> Engine:
    definitions = Definitions([Saga("letters", payload=int, steps=steps)])
    repository = SagaRepository(MemoryStore())
    engine = Engine(definitions, repository, Queue(), lambda: NOW, retention=KEEP)
    engine.start("letters", "s", 1)
    return engine


def find(engine: Engine, saga_id: str) -> SagaRecord:
    return engine.repository.store.get(key(SagaRecord, saga_id))


def delivery_of(phase: Phase, child: str = "") -> Delivery:
    return Delivery(
        saga_id="s",
        phase=phase,
        step=0,
        attempt=1,
        epoch=0,
        at=NOW,
        timeout=timedelta(seconds=1),
        child=child,
    )


def end_of(child: str) -> Delivery:
    return delivery_of(Phase.CHILD, child)


def test_a_notification_of_an_unfinished_child_is_stale() -> None:
    engine = begin(child_of("c", Signal("go")))
    assert engine.children.notify_parent(end_of("s:c")) == "stale"
    assert not find(engine, "s:c").parent_notified


def test_a_second_notification_is_stale() -> None:
    engine = begin(child_of("c", Signal("go")), Signal("on"))
    engine.signal("s:c", "go", 1, actor="ann")
    results = [engine.children.notify_parent(end_of("s:c")) for _ in range(2)]
    assert results == ["notified", "stale"]


def follow_with(problem: Exception) -> list[str]:
    """Let two children follow a pause, to which the first raises an error; return the other."""
    engine = begin(Parallel(child_of("c", Signal("go")), child_of("d", Signal("go"))))
    asked: list[str] = []

    def apply(saga_id: str, _: Input) -> None:
        asked.append(saga_id)
        if saga_id == "s:c":
            raise problem

    transitions = engine.transitions
    family = Children(engine.repository, engine.children._recorder, transitions, KEEP, apply)
    store = engine.repository.store
    store.update(replace(find(engine, "s"), paused=True, pause_number=9))
    family.follow_pause(engine.repository.get("s"))
    return asked


def test_a_child_that_refuses_a_pause_does_not_fail_the_request() -> None:
    assert follow_with(Conflict("it has ended")) == ["s:c", "s:d"]


def test_an_error_of_a_child_fails_the_request_to_pause() -> None:
    with pytest.raises(Unavailable, match="no answer"):
        follow_with(Unavailable("no answer"))


def test_an_outdated_look_sets_no_next_look() -> None:
    engine = begin(Signal("go"))
    before = find(engine, "s")
    assert not look(engine, replace(before, due="another"), NOW + timedelta(days=1))
    assert find(engine, "s") == before


def test_a_look_leaves_a_childs_end_to_its_outstanding_delivery() -> None:
    engine = begin(child_of("c", Signal("go")))
    engine.signal("s:c", "go", 1, actor="ann")
    assert find(engine, "s:c").status == "COMPLETED"
    assert examine(engine.repository, engine.repository.get("s")).ended == ()
