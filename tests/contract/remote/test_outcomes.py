"""The outcome of an attempt for each answer of a service, through the engine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib.saga.definition.context import StepContext
from lib.saga.definition.phase import Phase
from lib.saga.engine.execution.execution import call_in_thread, run_action
from lib.saga.machine.inputs import AttemptEnded, Result
from lib.saga.remote.http_call import HttpCall
from lib.saga.state.delivery import Delivery
from tests.contract.remote.service import Service


def outcome_of(service: Service, call: StepContext) -> AttemptEnded:
    delivery = Delivery(
        saga_id=call.saga_id,
        phase=call.phase,
        step=0,
        attempt=call.attempt,
        epoch=0,
        at=datetime.now(UTC),
        timeout=timedelta(seconds=30),
    )
    charge = HttpCall(f"{service.url}/charge")
    return run_action(delivery, lambda: charge({"amount": 1}, call), call_in_thread, str).outcome


@pytest.mark.parametrize(
    ("phase", "status", "body", "result"),
    [
        (Phase.EXECUTE, 200, "[1]", Result.DONE),
        (Phase.EXECUTE, 200, "<html>", Result.INDETERMINATE),
        (Phase.EXECUTE, 303, "", Result.INDETERMINATE),
        (Phase.EXECUTE, 403, "", Result.RETRYABLE),
        (Phase.EXECUTE, 404, "{}", Result.PERMANENT),
        (Phase.EXECUTE, 409, "", Result.UNKNOWN),
        (Phase.EXECUTE, 422, "", Result.PERMANENT),
        (Phase.EXECUTE, 429, "", Result.RETRYABLE),
        (Phase.EXECUTE, 503, "", Result.UNKNOWN),
        (Phase.COMPENSATE, 200, "<html>", Result.DONE),
        (Phase.COMPENSATE, 404, "{}", Result.PERMANENT),
        (Phase.STATUS, 200, "[1]", Result.DONE),
        (Phase.STATUS, 410, "{}", Result.NOT_HAPPENED),
        (Phase.STATUS, 410, "", Result.NOT_HAPPENED),
        (Phase.STATUS, 404, "{}", Result.UNKNOWN),
        (Phase.STATUS, 404, "", Result.UNKNOWN),
        (Phase.STATUS, 422, "", Result.PERMANENT),
    ],
)
def test_an_answer_is_an_outcome_of_the_attempt(
    service: Service, call: StepContext, phase: Phase, status: int, body: str, result: Result
) -> None:
    service.says(status, body, Content_Type="application/json")
    assert outcome_of(service, replace(call, phase=phase)).result is result


@pytest.mark.parametrize(("status", "result"), [(429, Result.RETRYABLE), (503, Result.UNKNOWN)])
def test_the_engine_gets_the_retry_after(
    service: Service, call: StepContext, status: int, result: Result
) -> None:
    service.says(status, Retry_After="120")
    outcome = outcome_of(service, call)
    assert (outcome.result, outcome.after) == (result, timedelta(minutes=2))
    assert outcome.error == f"{service.url}/charge answered {status}"
