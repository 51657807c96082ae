"""Which delivery an invocation may run itself, and that the records say so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.saga import Chaining, Saga, Step
from lib.saga.definition.phase import Phase
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inline import keep_inline
from lib.saga.machine.outstanding import outstanding, to_enqueue
from lib.saga.machine.start.begin import begin
from lib.saga.machine.start.creations import new_saga

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def act(*_: Any) -> None:
    """Do nothing."""


STEPS = tuple(Step(name, execute=act, compensate=act) for name in "ab")
SAGA = Saga("inline", payload=dict, steps=STEPS, chaining=Chaining.INLINE)
TIMEOUT = STEPS[0].timeout


def start(saga: Saga = SAGA) -> Decision:
    return begin(saga, new_saga(saga, "s", "{}", NOW))


def with_delivery(decision: Decision, **changes: Any) -> Decision:
    return replace(decision, deliveries=(replace(decision.deliveries[0], **changes),))


def test_a_kept_delivery_is_marked_and_has_no_task_but_is_awaited() -> None:
    begun = start()
    kept = keep_inline(SAGA, begun, NOW + TIMEOUT)
    assert (kept.deliveries, kept.onward) == ((), begun.deliveries[0])
    assert [step.inline for step in kept.saga.steps] == [True, False]
    assert [step.inline for step in kept.steps] == [True, False]
    assert to_enqueue(kept.saga, kept.saga.steps) == ()
    assert outstanding(kept.saga, kept.saga.steps) == begun.deliveries
    assert kept.saga.due == begun.saga.due
    assert not any(step.inline for step in begun.saga.steps)


@pytest.mark.parametrize(
    "decision",
    [
        replace(start(), events=()),
        replace(start(), deliveries=()),
        replace(start(), deliveries=start().deliveries * 2),
        with_delivery(start(), saga_id="another"),
        with_delivery(start(), phase=Phase.STATUS),
        with_delivery(start(), phase=Phase.START),
        with_delivery(start(), at=NOW + timedelta(seconds=1)),
        with_delivery(start(), at=NOW - timedelta(seconds=1)),
        with_delivery(start(), timeout=TIMEOUT + timedelta(seconds=1)),
        start(replace(SAGA, chaining=Chaining.TASKS)),
    ],
    ids=["no event", "none", "two", "another saga's", "a query", "a begin", "later", "earlier",
         "too long", "chained by tasks"],
)  # fmt: skip
def test_any_other_delivery_has_a_task(decision: Decision) -> None:
    assert keep_inline(SAGA, decision, NOW + TIMEOUT) is decision
