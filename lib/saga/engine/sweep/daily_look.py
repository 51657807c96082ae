"""The daily look at a saga that waits: the last safety net.

A saga that waits for a year costs one look a day: the sweep reads it and its children, and writes
the time of its next look.
"""

from contextlib import suppress
from datetime import datetime

from lib.errors import VersionMismatch
from lib.saga.engine.children import child_outcome
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.inputs import Looked
from lib.saga.machine.outstanding import due_of, outstanding
from lib.saga.state.records import FINISHED, Loaded, SagaRecord, SagaStatus


def look(engine: Engine, saga: SagaRecord, now: datetime) -> bool:
    """Look at a saga whose look is due, and set the next one; return whether it needed repair.

    The saga gets the inputs that it has missed. If it waits for nothing, it is parked with an
    alert.
    """
    loaded = engine.repository.load(saga.id)
    if loaded is None or loaded.saga.due != saga.due:
        return False
    after = engine.look(loaded, examine(engine.repository, loaded))
    resynced = engine.children.follow_pause(loaded) or engine.children.follow_parent(loaded)
    if after.sequence > loaded.saga.sequence:
        return True
    with suppress(VersionMismatch):  # the saga has changed, and that commit wrote its due time
        due = due_of(loaded.saga, outstanding(*loaded), now)
        engine.repository.postpone(loaded.saga, due)
    return resynced


def examine(repository: SagaRepository, loaded: Loaded) -> Looked:
    """Return the state of a saga's children and of its dead letter, for the machine."""
    saga = loaded.saga
    children = {name: repository.find(name) for name in loaded.children}
    notified = (child for child in children.values() if child and child.parent_notified)
    needs_operator = bool(saga.incident) or saga.status is SagaStatus.FAILED
    return Looked(
        sequence=saga.sequence,
        ended=tuple(
            child_outcome(child, repository.result_of(child))
            for child in notified
            if child.status in FINISHED
        ),
        missing=tuple(name for name, child in children.items() if child is None),
        unreported=needs_operator and not repository.has_letter(saga.id),
    )
