"""What a step gets besides the payload, and the exceptions that report how it failed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic

from lib.datastore import Store
from lib.saga.definition.phase import Phase
from lib.saga.definition.types.parameters import OutputsT


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext(Generic[OutputsT]):
    """One call of a step or of its compensation.

    `idempotency_key` is the same for every attempt of a step and for its compensation.
    `fencing_token` grows with each attempt of the step and of its compensation, and is the same
    for duplicates of one attempt: a participant that has seen a higher one with the same key may
    refuse this call. `attempt` counts the attempts of the current action, from 1. `deadline` is
    when the call's timeout ends. `outputs` has the outputs of the completed steps by step name;
    `output` is the step's own, or None if it is unknown whether the step happened.
    """

    saga_id: str
    step: str
    attempt: int
    idempotency_key: str
    fencing_token: int
    deadline: datetime
    store: Store
    outputs: OutputsT = field(default_factory=dict)  # type: ignore[assignment]
    output: Any = None
    phase: Phase = Phase.EXECUTE
    #: The W3C Trace Context of the saga, to be passed on; empty if it has none.
    traceparent: str = ""
    #: The effects that this call has passed to the effect barrier, by function and name.
    claims: dict[tuple[str, str], object] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )


class Permanent(Exception):
    """The step did not happen and never will: the saga rolls back without another attempt."""


class NotHappened(Exception):
    """The step did not happen, and no attempt made before this call can still make it happen.

    Only a `status=` may raise it, and only if it blocks calls that arrive later, as `settle_once`
    does: their effect would never be undone. If `status` merely finds nothing, raise Unknown.
    """


class Retry(Exception):
    """The step did not happen, but may later: retry after `after`, or by the step's policy."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Unknown(Exception):
    """It is unknown whether the step happened: retry after `after`, or by the step's policy.

    Any other exception means the same; this one can also set the pause.
    """

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after
