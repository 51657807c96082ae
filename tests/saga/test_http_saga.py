"""A saga whose steps are calls to remote services, run by the engine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.remote.http_call import HttpCall
from tests.contract.remote.service import Asked, Service, Write, answer, running
from tests.saga.bench import Bench

TWICE = RetryPolicy(attempts=2)


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as service:
        yield service


def trade(url: str) -> Saga:
    charge = Step(
        "charge",
        execute=HttpCall(f"{url}/charge"),
        compensate=HttpCall(f"{url}/refund"),
        status=HttpCall(f"{url}/charge-status", method="GET"),
        timeout=timedelta(seconds=10),
        retry=TWICE,
        compensation_retry=TWICE,
    )
    ship = Step("ship", execute=HttpCall(f"{url}/ship"), retry=TWICE)
    return Saga("trade", payload=dict[str, int], steps=(charge, ship))


def run(bench: Bench, service: Service, answers: dict[str, list[bytes]]) -> None:
    """Run a saga with a service that gives each path's answers in order."""

    def reply(write: Write, asked: Asked) -> None:
        write(answers[asked.path].pop(0))

    service.answer = reply
    # A remote service has its own clock, by which the deadline is a time.
    bench.time = datetime.now(UTC)
    bench.engine = bench.make_engine(trade(service.url))
    bench.engine.start("trade", "t1", {"cents": 900})
    bench.run_to_end()


def paths(service: Service) -> list[str]:
    return [asked.path for asked in service.asked]


def header(service: Service, name: str) -> list[Any]:
    return [asked.headers.get(name) for asked in service.asked]


def test_a_step_that_a_service_refuses_rolls_the_saga_back(bench: Bench, service: Service) -> None:
    problem = '{"detail": "no such address"}'
    refused = answer(422, problem, Content_Type="application/problem+json")
    answers = {
        "/charge": [answer(200, '{"id": "c7"}')], "/ship": [refused], "/refund": [answer(204)],
    }  # fmt: skip
    run(bench, service, answers)
    assert paths(service) == ["/charge", "/ship", "/refund"]
    assert header(service, "Idempotency-Key") == ["t1/charge", "t1/ship", "t1/charge;compensate"]
    assert b'"output":{"id":"c7"}' in service.asked[-1].body
    saga, _ = bench.load("t1")
    assert saga.status == "ROLLED_BACK"
    assert "no such address" in saga.error


def test_an_uncertain_charge_is_confirmed_by_its_status(bench: Bench, service: Service) -> None:
    answers = {
        "/charge": [answer(500), answer(502)],
        "/charge-status": [answer(200, '{"id": "c7"}')],
        "/ship": [answer(200)],
    }
    run(bench, service, answers)
    assert paths(service) == ["/charge", "/charge", "/charge-status", "/ship"]
    assert bench.statuses("t1")[0] == "COMPLETED"
    assert bench.load("t1")[1][0].output == '{"id":"c7"}'
    fences = [int(fence) for fence in header(service, "X-Fencing-Token")[:3]]
    assert fences == sorted(set(fences))


def test_a_charge_that_never_happened_is_not_refunded(bench: Bench, service: Service) -> None:
    answers = {"/charge": [answer(500), answer(500)], "/charge-status": [answer(410)]}
    run(bench, service, answers)
    assert paths(service) == ["/charge", "/charge", "/charge-status"]
    assert bench.statuses("t1")[0] == "ROLLED_BACK"


def test_a_charge_with_an_unknown_status_is_queried_again_and_refunded(
    bench: Bench, service: Service
) -> None:
    unheard = answer(404, "{}", Content_Type="application/json")
    answers = {
        "/charge": [answer(500), answer(500)],
        "/charge-status": [unheard, unheard],
        "/refund": [answer(204)],
    }
    run(bench, service, answers)
    asked = ["/charge", "/charge", "/charge-status", "/charge-status", "/refund"]
    assert paths(service) == asked
    assert bench.statuses("t1")[:2] == ["ROLLED_BACK", "COMPENSATED"]
