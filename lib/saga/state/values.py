"""Values of a saga that have an entity of their own, because its record has no room for them.

A value is JSON: a payload, an input, an output, a signal, a result. A record holds either the value
itself or a reference to it: "@" and the value's name. No JSON begins with "@". The name is a
digest, so equal values are stored once and have equal references.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lib.saga.state.records import SagaRecord, StepRecord

#: The input of a step that gets the saga's payload.
PAYLOAD = "@payload"


def is_reference(value: str) -> bool:
    """Return whether a stored value is a reference."""
    return value.startswith("@")


def name_value(value: str) -> str:
    """Return the name that a value is stored under."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]


def refer_to(name: str) -> str:
    """Return the reference to the value with this name."""
    return f"@{name}"


def is_equal(value: str, other: str) -> bool:
    """Return whether a value, or the value that it refers to, equals `other`."""
    return value == other or value == refer_to(name_value(other))


def values_of(saga: SagaRecord) -> Iterator[str]:
    """Yield all values of a saga; equal ones as often as they occur."""
    yield saga.payload
    if saga.result is not None:
        yield saga.result
    for step in saga.steps:
        yield from values_of_step(step)


def values_of_step(step: StepRecord) -> Iterator[str]:
    """Yield the values of a step."""
    yield from (each for each in (step.input, step.output, step.signal) if each is not None)


def find_missing(saga: SagaRecord) -> list[str]:
    """Return the names of the values that a saga's record refers to, each once."""
    references = (each for each in values_of(saga) if is_reference(each) and each != PAYLOAD)
    return list(dict.fromkeys(each[1:] for each in references))


def replace_values(saga: SagaRecord, instead: Mapping[str, str]) -> SagaRecord:
    """Return a saga in which each value that is a key of `instead` is replaced."""

    def of(value: str | None) -> str | None:
        return None if value is None else instead.get(value, value)

    def of_step(step: StepRecord) -> StepRecord:
        input_, output, signal = of(step.input), of(step.output), of(step.signal)
        return replace(step, input=input_, output=output, signal=signal)

    return replace(
        saga,
        payload=instead.get(saga.payload, saga.payload),
        result=of(saga.result),
        steps=[of_step(step) for step in saga.steps],
    )
