"""The weight of a record in a commit: 1 for the write, plus a part for the size of its JSON."""

from lib.saga.state.limits import BYTES_PER_WEIGHT
from lib.saga.state.records import SagaRecord, StepRecord


def weigh_saga(saga: SagaRecord) -> int:
    """Return the weight of a saga's root."""
    return 1 + _weigh_json(saga.payload, saga.result)


def weigh_step(step: StepRecord) -> int:
    """Return the weight of a step."""
    return 1 + _weigh_json(step.output, step.signal)


def _weigh_json(*texts: str | None) -> int:
    sizes = (len(text) if text.isascii() else len(text.encode()) for text in texts if text)
    return sum(sizes) // BYTES_PER_WEIGHT
