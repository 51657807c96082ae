"""Whether the stored values of a saga still fit the types that its definition declares.

A deployment may change the types under the same version. Then the saga does not run: a mismatch is
an error in the deployment, not an answer of a participant.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from lib.saga.author_code.containment import contain
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.state.records import SagaRecord, StepRecord, StepStatus
from lib.saga.state.values import is_reference

#: The parts of a msgspec message that quote no value: what is wrong, and where.
_SAFE = re.compile(
    r"(Expected `[^`]*`(?:, got `[^`]*`)?|Object missing required field `[^`]*`"
    r"|Object contains unknown field `[^`]*`|Invalid enum value|Invalid value)"
    r".*?(?P<at> - at `[^`]*`)?",
    re.DOTALL,
)


def find_mismatch(definition: Saga, saga: SagaRecord, steps: Sequence[StepRecord]) -> str:
    """Return what no longer fits its type, and why; "" if all fits. No value is quoted.

    Checks the payload, the received signals and the outputs with a declared type. Later steps get
    any other output as plain JSON. Values that are not loaded are skipped.
    """
    for what, encoded, kind in _stored(definition, saga, steps):
        unchecked = kind is Any or is_reference(encoded)
        problem = "" if unchecked else mismatch_of(encoded, kind)
        if problem:
            return f"{what}: {problem}"
    return ""


def mismatch_of(encoded: str, kind: Any) -> str:
    """Return why stored JSON does not fit a type, without quoting values; "" if it does."""
    try:
        contain(lambda: msgspec.json.decode(encoded, type=kind))
    except msgspec.ValidationError as problem:
        safe = _SAFE.fullmatch(str(problem))
        return f"{safe[1]}{safe['at'] or ''}" if safe else "its type rejects it"
    except Exception as problem:  # an author's own decoder may raise anything
        return f"its type rejects it: {type(problem).__name__}"
    return ""


def _stored(
    definition: Saga, saga: SagaRecord, steps: Sequence[StepRecord]
) -> Iterator[tuple[str, str, Any]]:
    yield "payload", saga.payload, definition.payload
    for element, step in zip(definition.elements, steps, strict=False):
        if not isinstance(element, Signal):
            if step.output is not None:
                what = f"the stored output of {element.name} does not fit"
                yield what, step.output, element.decoded_type
        elif step.signal is not None:
            yield f"signal {element.name}", step.signal, element.payload
        # An operator who skipped the signal may have given an output of any type.
        elif step.output is not None and step.status is StepStatus.COMPLETED:
            yield f"signal {element.name}", step.output, element.payload
