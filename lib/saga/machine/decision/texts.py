"""Makes texts from exceptions and people storable: without secrets, and not too long."""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from lib.saga.machine.causes import Reason
from lib.saga.state.limits import MAX_ERROR, MAX_SUMMARY
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import DeadLetter, EventRecord, SagaRecord, StepRecord
from lib.saga.state.text import storable

#: Makes a text storable.
Clean = Callable[[str], str]


def clean_text(text: str, privacy: Privacy | None, most: int) -> str:
    """Return a text without secrets that Datastore accepts, truncated to `most` bytes.

    Never raises: a text that cannot be searched for secrets is replaced by a code.
    """
    try:
        return storable(text if privacy is None else privacy.clean(text), most)
    except Exception as problem:  # half a secret is worse than no text
        return f"{Reason.TEXT_UNSTORABLE}: {type(problem).__name__}"


def clean_saga(saga: SagaRecord, clean: Clean) -> None:
    """Make a saga's texts storable and short, in place; its events have the full texts.

    Its `traceparent` never changes, so it is left alone.
    """
    saga.error = storable(clean(saga.error), MAX_SUMMARY)
    saga.parked_because = storable(clean(saga.parked_because), MAX_SUMMARY)
    saga.stopping = clean(saga.stopping)


def clean_step(step: StepRecord, clean: Clean) -> StepRecord:
    """Return a step whose error is storable and short; its event has the full error."""
    return replace(step, error=shorten_error(clean(step.error))) if step.error else step


def shorten_error(error: str) -> str:
    """Return a clean error in the length that a step stores."""
    return storable(error, MAX_ERROR)


def clean_event(event: EventRecord, clean: Clean) -> EventRecord:
    """Return an event whose texts are storable."""
    return msgspec.structs.replace(event, actor=clean(event.actor), error=clean(event.error))


def clean_letter(letter: DeadLetter, clean: Clean) -> DeadLetter:
    """Return a dead letter whose reason is storable."""
    return replace(letter, reason=clean(letter.reason))
