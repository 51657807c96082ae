"""Checks that retention deletes every record of finished sagas, and none of unfinished ones.

After a run the clock jumps by a hundred days, and sweeps run. The participants' own data stays.
"""

from datetime import timedelta
from typing import Any

from lib.saga.barrier import Effect
from lib.saga.engine.execution.call import idempotency_key
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.state.records import (
    FINISHED,
    DeadLetter,
    EventPage,
    SagaRecord,
    StepPage,
    ValueRecord,
)
from lib.saga.testing.memory.entities import Path
from lib.saga.testing.simulation.environment import Environment

#: Longer than any finished saga is kept.
JUMP = timedelta(days=100)

#: The number of sweeps after the jump, a day apart: purging a descendant is retried after a day.
SWEEPS = 2

#: The kinds of a saga's records.
MODELS: tuple[Any, ...] = (SagaRecord, StepPage, ValueRecord, EventPage, DeadLetter, Effect)
KINDS: tuple[str, ...] = tuple(model.__kind__ for model in MODELS)
LETTER, EFFECT = KINDS[-2:]


def find_retention_fault(environment: Environment) -> str:
    """Purge expired sagas; return which record is wrongly kept or deleted, or "".

    Changes the store, so call it after the run. Every finished saga must be deleted, unless one of
    its ancestors is unfinished.
    """
    before, kept = _find_records(environment), _find_records_to_keep(environment)
    engine = environment.make_engine_without_faults()
    environment.clock.advance(JUMP)
    for _ in range(SWEEPS):
        sweep(engine, environment.clock)
        environment.clock.advance(timedelta(days=1))
    after = _find_records(environment)
    for path in sorted(kept - after, key=str):
        return f"{_name(path)} of an unfinished saga is gone after {JUMP.days} days"
    for path in sorted((before & after) - kept, key=str):
        return f"{_name(path)} of a finished saga is still there after {JUMP.days} days"
    return ""


def describe_end(environment: Environment) -> tuple[object, ...]:
    """Return a value that is equal for final states that retention treats alike."""
    sagas = sorted(
        (saga.id, str(saga.status), (saga.due or "").partition("-")[0])
        for saga in environment.sagas.find_all()
    )
    others = (path for kind in (LETTER, EFFECT) for path in environment.sagas.find_paths(kind))
    return (*sagas, *sorted(map(str, others)))


def _find_records(environment: Environment) -> set[Path]:
    return {path for kind in KINDS for path in environment.sagas.find_paths(kind)}


def _find_records_to_keep(environment: Environment) -> set[Path]:
    """Return the records of each saga that is unfinished or has an unfinished ancestor."""
    sagas = {saga.id: saga for saga in environment.sagas.find_all()}
    kept: set[Path] = set()
    for saga in sagas.values():
        if _is_kept(saga, sagas):
            kept |= _find_records_of(environment, saga)
    return kept


def _is_kept(saga: SagaRecord, sagas: dict[str, SagaRecord]) -> bool:
    above = sagas.get(saga.parent_id)
    return saga.status not in FINISHED or (above is not None and _is_kept(above, sagas))


def _find_records_of(environment: Environment, saga: SagaRecord) -> set[Path]:
    effects = {idempotency_key(saga.id, step.name) for step in environment.sagas.steps_of(saga)}
    return {
        path
        for path in _find_records(environment)
        if path[0][1] == saga.id or (path[0][0] == EFFECT and path[0][1] in effects)
    }


def _name(path: Path) -> str:
    return " ".join(f"{kind} {part!r}" for kind, part in path)
