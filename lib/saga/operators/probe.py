"""The saga that deploy/rollout/smoke.py tests a new revision with before it gets traffic.

It touches no other data. It has three steps, each with its own task and commit; the second
can be undone. The first checks the database guarantees that sagas rely on.
"""

from dataclasses import dataclass, replace
from typing import Any

from msgspec import Struct

from lib.datastore import Id, Store, Version, entity, key
from lib.errors import AlreadyExists, VersionMismatch
from lib.saga.barrier import apply_once, undo_once
from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step


class Probe(Struct, forbid_unknown_fields=True):
    """The probe's payload: it has no fields."""


@entity
@dataclass(slots=True, kw_only=True)
class ProbeWrite:
    """An entity that the probe writes under its saga's id, and deletes again."""

    id: Id[str]
    number: int
    version: Version = 0


def check_database(_: Probe, call: StepContext) -> str:
    """Write with a stale version, and insert an entity that exists: Datastore must refuse both.

    Each commit of the engine relies on that. Otherwise two workers could record the same step
    twice, unnoticed until money is lost. Raises Permanent if Datastore accepts either.
    """
    store: Store = call.store
    first = store.upsert(ProbeWrite(id=call.saga_id, number=1))
    second = store.update(replace(first, number=2), if_version=first.version)
    _check_stale_write_refused(store, first)
    _check_second_insert_refused(store, first)
    store.delete(key(ProbeWrite, call.saga_id), if_version=second.version)
    return "refused"


def _check_stale_write_refused(store: Store, stale: ProbeWrite) -> None:
    try:
        store.update(replace(stale, number=3), if_version=stale.version)
    except VersionMismatch:
        if store.get(key(ProbeWrite, stale.id)).number == 2:
            return
        raise Permanent("the database refused a stale write, but applied it") from None
    raise Permanent(
        "the database accepted a write with a stale base_version: sagas are not safe on it"
    )


def _check_second_insert_refused(store: Store, existing: ProbeWrite) -> None:
    try:
        store.insert(existing)
    except AlreadyExists:
        return
    raise Permanent(
        "the database accepted an insert of an existing entity: sagas are not safe on it"
    )


def leave_mark(_: Probe, call: StepContext) -> Any:
    """Record an effect, as a participant that keeps its data in Datastore does."""
    return apply_once(call, lambda _: "marked")


def remove_mark(_: Probe, call: StepContext) -> None:
    """Undo the effect of `leave_mark`."""
    undo_once(call, lambda _, __: None)


def report(_: Probe, call: StepContext) -> str:
    """Return a text which says that the saga has reached its last step."""
    return f"{call.saga_id} has reached its last step"


DEPLOYMENT_PROBE = Saga(
    "deployment-probe",
    payload=Probe,
    steps=(
        Step("hold-database", execute=check_database),
        Step("mark", execute=leave_mark, compensate=remove_mark),
        Step("report", execute=report),
    ),
)
