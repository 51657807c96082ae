"""The one place where texts become fit to be stored: what exceptions and people have said."""

from collections.abc import Callable
from dataclasses import replace

from lib.saga.state.privacy import Privacy
from lib.saga.state.records import DeadLetter, EventRecord, SagaRecord, StepRecord
from lib.saga.state.text import storable

#: Makes a text fit to be stored.
Tidy = Callable[[str], str]


def tidy_text(text: str, privacy: Privacy | None, most: int) -> str:
    """Return a text without secrets, as Datastore takes it, in at most `most` bytes.

    Raises nothing: a text that cannot be looked through is left out.
    """
    try:
        return storable(text if privacy is None else privacy.clean(text), most)
    except Exception as problem:  # half a secret is worse than no text
        return f"(its text cannot be kept: {type(problem).__name__})"


def tidy_saga(saga: SagaRecord, tidy: Tidy) -> None:
    """Make a saga's texts storable, in place."""
    saga.error, saga.stopping = tidy(saga.error), tidy(saga.stopping)
    saga.parked_because, saga.traceparent = tidy(saga.parked_because), tidy(saga.traceparent)


def tidy_step(step: StepRecord, tidy: Tidy) -> StepRecord:
    """Return a step whose texts are storable."""
    return replace(step, error=tidy(step.error)) if step.error else step


def tidy_event(event: EventRecord, tidy: Tidy) -> EventRecord:
    """Return an event whose texts are storable."""
    return replace(event, actor=tidy(event.actor), error=tidy(event.error))


def tidy_letter(letter: DeadLetter, tidy: Tidy) -> DeadLetter:
    """Return a dead letter whose reason is storable."""
    return replace(letter, reason=tidy(letter.reason))
