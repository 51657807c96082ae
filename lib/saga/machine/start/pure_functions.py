"""Evaluates an author's pure functions on a saga's payload and the outputs of its steps."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from lib.errors import AmendsError
from lib.observability.stack_traces import forget_stack
from lib.saga.author_code.containment import Escaped, contain, describe_exception, exception_text
from lib.saga.author_code.deferred_work import NotRun, check_ran
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.machine.decision.texts import clean_text
from lib.saga.state.limits import MAX_ERROR
from lib.saga.state.payload import decode_payload
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import SagaRecord, StepRecord

T = TypeVar("T")


class CannotBegin(Exception):
    """A step cannot begin: its author's pure function failed, or returned an unusable value."""


def outputs_of(definition: Saga, steps: Iterable[StepRecord]) -> dict[str, object]:
    """Return the outputs of the steps that have one, by step name, in their declared types."""
    return {
        step.name: msgspec.json.decode(step.output, type=element.decoded_type)
        for element, step in zip(definition.elements, steps, strict=False)
        if step.output
    }


def evaluate(
    what: str,
    function: Callable[[object, dict[str, object]], T],
    definition: Saga,
    saga: SagaRecord,
    steps: Iterable[StepRecord],
) -> T:
    """Return a pure function's result for payload and outputs; raise CannotBegin if it fails.

    `what` names the function in messages.
    """
    try:
        payload = decode_payload(saga.payload, definition.payload)
        outputs = outputs_of(definition, steps)
        return contain(lambda: check_ran(function(payload, outputs), what))
    except Exception as problem:  # an author's code may raise anything
        forget_stack(problem)
        raise cannot_begin(problem, definition, saga, steps) from problem


def cannot_begin(
    problem: Exception, definition: Saga, saga: SagaRecord, steps: Iterable[StepRecord]
) -> CannotBegin:
    """Return the reason why a step cannot begin, without secrets."""
    says_all = isinstance(problem, AmendsError | Permanent | NotRun | Escaped)
    error = exception_text(problem) if says_all else describe_exception(problem)
    return CannotBegin(clean_error(error, definition, saga, steps))


def clean_error(error: str, definition: Saga, saga: SagaRecord, steps: Iterable[StepRecord]) -> str:
    """Return an error's text without the saga's secrets, truncated to `MAX_ERROR` bytes."""
    return clean_text(error, Privacy(definition, saga, steps), MAX_ERROR) if error else error
