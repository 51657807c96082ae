"""What a service's answer to a step means for the saga; http_call.py has the table."""

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from lib.json.decoder import BROKEN
from lib.json.exact_numbers import read_number
from lib.observability.logs import log
from lib.saga.author_code.containment import Unstorable
from lib.saga.definition.context import NotHappened, Permanent, Retry, StepContext, Unknown
from lib.saga.definition.phase import Phase
from lib.saga.remote.exchange import MAX_ANSWER, CallAnswer, Ending
from lib.timing.clock import now

#: The maximum wait that a service's Retry-After can cause.
MAX_WAIT = timedelta(hours=1)

#: A longer detail is left out, not truncated: half of a secret would not be redacted.
MAX_DETAIL = 2000

#: Statuses that by definition mean that nothing was done, and a retry may succeed.
NOT_NOW = frozenset({425, 429})

#: Statuses of a service that refuses access, and has done nothing.
NOT_US = frozenset({401, 403})

#: Statuses that mean that nothing was done, because the resource has another URL.
ELSEWHERE = frozenset({301, 307, 308})

#: The answer to a status question: it did not happen, and later calls are refused.
NEVER = 410

#: The answer to a status question: it has not happened, but the call may still arrive.
NOT_YET = 404

#: Client errors that do not mean that nothing was done: a timeout on the way, a call with the same
#: key that still runs, and what some proxies and Google's APIs call "cancelled".
UNKNOWN_STATUSES = frozenset({408, 409, 499})


def output_of(answer: CallAnswer, call: StepContext, place: str) -> Any:
    """Return the output of an answer, or raise the exception that the answer means.

    `place` names the service in messages. A compensation has no output, so the body of a 2xx answer
    to it is ignored.
    """
    if 200 <= answer.status < 300:
        return None if call.phase is Phase.COMPENSATE else _decode(answer, place)
    raise _failure_of(answer, call, f"{place} answered {answer.status}{_detail_of(answer)}")


def _failure_of(answer: CallAnswer, call: StepContext, reason: str) -> Exception:
    status = answer.status
    if status in NOT_US:
        log("ERROR", "a service refused access", alert="http-step-refused", saga=call.saga_id,
            step=call.step, status=status)  # fmt: skip
        return Retry(f"{reason} (configuration: may this service account call it?)")
    if status in NOT_NOW:
        return Retry(reason, after=_wait_of(answer))
    if status in ELSEWHERE:
        return Permanent(f"{reason} (configuration: redirects are not followed; use the final URL)")
    if 300 <= status < 400:
        return Unstorable(
            f"{reason} (redirects are not followed, and the service may have acted before it)"
        )
    if call.phase is Phase.STATUS and answer.status == NEVER:
        return NotHappened(reason)
    if call.phase is Phase.STATUS and answer.status == NOT_YET:
        return Unknown(f"{reason} (which does not mean that it will never happen)")
    if 400 <= status < 500 and status not in UNKNOWN_STATUSES:
        return Permanent(reason)
    return Unknown(reason, after=_wait_of(answer))


def _decode(answer: CallAnswer, place: str) -> Any:
    if answer.ending is Ending.BROKEN:
        raise Unknown(f"{place} answered {answer.status}, but the answer was cut off")
    if answer.ending is Ending.OVERSIZED:
        raise Unstorable(f"{place} answered with more than {MAX_ANSWER} bytes")
    if not answer.body:
        return None
    try:
        return msgspec.json.Decoder(float_hook=read_number).decode(answer.body)
    except BROKEN as problem:
        raise Unstorable(f"{place} answered with something that is not JSON: {problem}") from None


def _detail_of(answer: CallAnswer) -> str:
    """Return the `detail` of a problem+json, for a message; "" if there is none."""
    try:
        problem = msgspec.json.decode(answer.body)
    except BROKEN:
        return ""
    detail = problem.get("detail") if isinstance(problem, dict) else None
    if not isinstance(detail, str) or len(detail) > MAX_DETAIL:
        return ""
    printable = "".join(each if each.isprintable() else " " for each in detail)
    return f": {printable}"


def _wait_of(answer: CallAnswer) -> timedelta | None:
    """Return the wait that Retry-After asks for, in seconds or as a date; None without one."""
    header = answer.headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit():
        # Ten digits are more than any wait, and fewer than a timedelta can hold.
        return min(timedelta(seconds=int(header[:10])), MAX_WAIT)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now()
    return max(timedelta(0), min(wait, MAX_WAIT))
