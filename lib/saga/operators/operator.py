"""An operator: who makes a request to a saga, which state they saw, and the request's key."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.saga.engine.engine import Engine
from lib.saga.machine.inputs import SagaRequest
from lib.saga.state.records import SagaRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator, by `name` in the audit trail.

    `sequence` is that of the saga as the operator saw it, None for any. `key` identifies the
    request: sending it again with the same key changes nothing.
    """

    engine: Engine
    name: str
    sequence: int | None = None
    key: str = ""

    def apply(
        self, saga_id: str, request: Callable[..., SagaRequest], reason: str, **what: Any
    ) -> SagaRecord:
        """Make a request to a saga; `what` has its other fields. Raises as `Engine.apply` does."""
        made = request(actor=self.name, reason=reason, sequence=self.sequence, id=self.key, **what)
        return self.engine.apply(saga_id, made)
