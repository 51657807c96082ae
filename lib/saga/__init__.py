"""Sagas: everything that an author needs, in one import.

    from lib.saga import Permanent, RetryPolicy, Saga, Step, StepContext, apply_once, undo_once

Declaring a saga loads neither the HTTP edge nor gRPC. The packages, from the bottom up; each
imports only those above it in this list:
- author_code: checks what an author's functions return and raise
- definition: what an author declares
- state: what is stored of a saga, and which data may be shown
- machine: the pure decisions
- engine: the shell around the machine: load, run, decide, commit, enqueue; the sweep
- remote: steps that are calls to a URL
- operators: what operators see and do
- testing: runs and explorations of sagas in memory
"""

from typing import TYPE_CHECKING, Any

from lib.saga.barrier import apply_once, settle_once, undo_once
from lib.saga.definition.child import Child
from lib.saga.definition.context import NotHappened, Permanent, Retry, StepContext, Unknown
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Chaining, OnCompensationFailure, Saga
from lib.saga.definition.steps import Parallel, Signal, Step, Timer
from lib.saga.definition.table import Definitions
from lib.saga.definition.types.secret import Secret

if TYPE_CHECKING:
    from lib.saga.remote.http_call import HttpCall

__all__ = [
    "Chaining",
    "Child",
    "Definitions",
    "HttpCall",
    "NotHappened",
    "OnCompensationFailure",
    "Parallel",
    "Permanent",
    "Retry",
    "RetryPolicy",
    "Saga",
    "Secret",
    "Signal",
    "Step",
    "StepContext",
    "Timer",
    "Unknown",
    "apply_once",
    "settle_once",
    "undo_once",
]


def __getattr__(name: str) -> Any:
    """Load HttpCall on first access: most functions start without it."""
    if name != "HttpCall":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lib.saga.remote.http_call import HttpCall

    return HttpCall
