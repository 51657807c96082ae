"""What becomes of a request between whoever makes it and the sagas that it is for."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from lib.datastore.ids import make_id
from lib.errors import Conflict, NotFound
from lib.saga.machine.inputs import (
    Input,
    Overdue,
    PauseRequested,
    Requested,
    ResolveRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    VoidRequested,
)
from lib.saga.state.limits import MAX_TEXT
from lib.saga.state.records import ACTIVE, SagaRecord, SagaStatus
from lib.saga.state.text import storable

#: What is meant for the failure that somebody has seen, and for no later one.
REPAIRS = (RetryRequested, SkipRequested, VoidRequested, ResolveRequested)


def pin(what: Input, saga: SagaRecord) -> Input:
    """Return a request with a name of its own, and for the present failure alone.

    Decided again, because a commit's answer was lost or another commit came first, it is not
    carried out twice, and not on what has failed since.
    """
    if not isinstance(what, Requested):
        return what
    incident = saga.incident if isinstance(what, REPAIRS) else None
    return replace(
        what,
        id=what.id or make_id("request", None),
        incident=incident,
        actor=storable(what.actor, MAX_TEXT),
        reason=storable(what.reason, MAX_TEXT),
    )


def for_children(before: SagaRecord, after: SagaRecord, what: Input) -> Input | None:
    """Return what is to happen to the children of a saga that something has happened to.

    It holds for each as it is: what `If-Match` named was the parent. They are paused and resumed
    with it. One that has ended while its parent was parked, and had no definition to take that in,
    says so again.
    """
    if isinstance(what, PauseRequested | ResumeRequested):
        number = after.pause_number
        return replace(what, id=f"{what.id}@{number}", sequence=None, parent_pause=number)
    if before.status is SagaStatus.FAILED and after.status in ACTIVE:
        return Overdue(at_once=True)
    return None


def follow_pause(parent: SagaRecord) -> Input:
    """Return what has a child of a saga follow its last pause or resume."""
    kind = PauseRequested if parent.paused else ResumeRequested
    what = "paused" if parent.paused else "resumed"
    reason = f"its parent saga is {what}"
    return kind(actor=f"saga {parent.id}", reason=reason, parent_pause=parent.pause_number)


def tell_each(
    tell: Callable[[str, Input], object], children: Iterable[str], happened: Input
) -> None:
    """Tell each of some sagas, whatever becomes of the others; it need not make sense in each.

    Raises the first error of another kind once all were told: it is to be done again.
    """
    failed: Exception | None = None
    for child in children:
        try:
            tell(child, happened)
        except (Conflict, NotFound):
            continue
        except Exception as problem:  # of one child, whatever it is
            failed = failed or problem
    if failed is not None:
        raise failed
