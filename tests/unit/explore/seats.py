"""A saga whose steps each take and give back a seat, and fail as a test's script says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lib.datastore import Id, Query, Store, Transaction, Version, entity, key
from lib.saga.barrier import apply_once, undo_once
from lib.saga.definition.context import StepContext
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.state.records import SagaRecord, SagaStatus

TWICE = RetryPolicy(attempts=2)

#: What an action raises: by "name", "name/attempt", "undo name" or "undo name/attempt". With
#: the prefix "late ", after the action's effect; with "refused ", in the effect itself.
Script = Mapping[str, Exception]


@entity
@dataclass(slots=True, kw_only=True)
class Seats:
    """The number of seats that a step has taken."""

    id: Id[str]
    taken: int
    version: Version = 0


def seat(name: str, script: Script | None = None, *, undo: bool = True, **options: Any) -> Step:
    """Return a step that takes a seat, and gives it back with `undo`."""
    return Step(
        name,
        execute=partial(take, script or {}),
        compensate=partial(give_back, script or {}) if undo else None,
        **{"retry": TWICE, "compensation_retry": TWICE, **options},
    )


def make_saga(names: str, script: Script | None = None, *, pivot: str = "") -> Saga:
    """Return a saga with a step for each letter; those from the pivot on have no compensation."""
    steps = (
        seat(name, script, undo=not pivot or name < pivot, pivot=name == pivot) for name in names
    )
    return Saga("seats", payload=dict, steps=tuple(steps))


def take(script: Script, _: Any, call: StepContext) -> str:
    follow(script, call.step, call)
    result = apply_once(call, lambda tx: move_unless_refused(script, tx, call), type=str)
    follow(script, f"late {call.step}", call)
    return result


def move_unless_refused(script: Script, tx: Transaction, call: StepContext) -> str:
    follow(script, f"refused {call.step}", call)
    return move(tx, call.step, +1)


def give_back(script: Script, _: Any, call: StepContext) -> None:
    follow(script, f"undo {call.step}", call)
    undo_once(call, lambda tx, _: move(tx, call.step, -1))
    follow(script, f"late undo {call.step}", call)


def follow(script: Script, name: str, call: StepContext) -> None:
    problem = script.get(f"{name}/{call.attempt}") or script.get(name)
    if problem is not None:
        raise problem


def gives_reason_to_park(script: Script) -> bool:
    """Return whether a compensation fails: one more fault may then use up its two attempts."""
    return any(name.startswith(("undo ", "late undo ")) for name in script)


def move(tx: Transaction, step: str, by: int) -> str:
    seats = tx.get(key(Seats, step))
    tx.update(replace(seats, taken=seats.taken + by))
    return step


def add_seats(store: Store) -> None:
    for name in "abcdexyz":
        store.insert(Seats(id=name, taken=0))


def seats_fit_the_end(store: Store) -> None:
    """Check that a completed saga has a seat of each step, and a rolled-back one has none."""
    saga = store.get(key(SagaRecord, "explored"))
    seats_fit(saga.total_steps)(store)


def seats_fit(count: int) -> Callable[[Store], None]:
    """Return the invariant that this number of seats is taken in the end, or none."""

    def check(store: Store) -> None:
        saga = store.get(key(SagaRecord, "explored"))
        taken = {each.id: each.taken for each in store.run(Query(Seats))}
        assert set(taken.values()) <= {0, 1}, taken
        if saga.status is SagaStatus.COMPLETED:
            assert sum(taken.values()) == count, taken
        if saga.status is SagaStatus.ROLLED_BACK:
            assert sum(taken.values()) == 0, taken

    return check
