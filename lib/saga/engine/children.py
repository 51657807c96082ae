"""How the sagas that a saga waits for follow its pause, whatever is killed in between."""

from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.inputs import ChildEnded
from lib.saga.state.records import ACTIVE, Loaded, SagaRecord


def find_strays(repository: SagaRepository, loaded: Loaded) -> list[str]:
    """Return the ids of the children that have not followed a saga's last pause or resume."""
    if not loaded.saga.pause_number:
        return []
    children = (repository.find(child) for child in loaded.children)
    return [child.id for child in children if child and _is_stray(loaded.saga, child)]


def _is_stray(saga: SagaRecord, child: SagaRecord) -> bool:
    can_follow = child.status in ACTIVE or (child.paused and not saga.paused)
    return can_follow and child.parent_pause != saga.pause_number


def child_outcome(child: SagaRecord) -> ChildEnded:
    """Return what a child saga's end is to its parent."""
    return ChildEnded(
        step=child.parent_step,
        child=child.id,
        status=child.status,
        output=child.result,
        error=child.error,
    )
