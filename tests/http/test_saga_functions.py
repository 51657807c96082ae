"""Sagas over HTTP: what callers and operators see, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.orders.saga import ORDER_PROCESSING
from lib.datastore import Store, connect
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.definition.table import Definitions
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from local.stack import Stack
from tests.http.conftest import Call, assert_problem
from tests.saga.bench import HeldQueue
from tests.support.wait import wait_until

ORDER = {
    "customer_id": "ann",
    "lines": [{"sku": "cd", "quantity": 1, "unit_price_cents": 999}],
    "address": {"name": "Ann", "street": "1 Main St", "city": "Springfield", "country": "US"},
}
WHY = "the warehouse was down"


def refuse(*_: Any) -> None:
    raise Permanent("the warehouse is down")


def make_stubborn() -> Saga:
    """The order saga, in which the last step fails and the first cannot be compensated."""
    actions = {"create-shipment": refuse}
    steps = [
        replace(
            step,
            execute=actions.get(step.name, lambda *_: {"id": 1}),
            compensate=step.compensate and (refuse if step.service == "inventory" else print),
        )
        for step in ORDER_PROCESSING.elements
        if isinstance(step, Step)
    ]
    return replace(ORDER_PROCESSING, steps=tuple(steps))


@pytest.fixture(scope="module")
def park(stack: Stack) -> Callable[[str], None]:
    """Write a parked order into the stack's Datastore, as its own engine would."""
    store = Store(connect(project=stack.project, emulator_host=stack.datastore_host))
    definitions = Definitions([make_stubborn()])

    def put(saga_id: str) -> None:
        queue = HeldQueue()
        engine = Engine(definitions, SagaRepository(store), queue, lambda: datetime.now(UTC))
        engine.start(ORDER_PROCESSING.name, saga_id, ORDER)
        while queue.waiting:
            engine.deliver(queue.take())

    return put


def wait_for_end(call: Call, saga_id: str) -> Any:
    """Wait until the stack's own worker has brought a saga to its end; return it."""
    return wait_until(
        lambda: call("GET", "get-saga", params={"id": saga_id}).json(),
        lambda saga: saga["status"] == "ROLLED_BACK",
    )


def operate(call: Call, name: str, saga_id: str, **more: Any) -> Any:
    return call("POST", name, json={"id": saga_id, "reason": WHY, **more})


def test_a_parked_saga_is_in_the_dead_letters_and_on_the_dashboard(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    before = call("GET", "count-dead-letters").json()["count"]
    park(unique)
    letters = call("GET", "list-dead-letters", params={"name": ORDER_PROCESSING.name}).json()
    [letter] = [each for each in letters["items"] if each["saga"] == unique]
    assert letter["reason"] == "compensation of reserve-inventory: the warehouse is down"
    assert (letter["step"], letter["alerted"]) == ("reserve-inventory", True)
    assert call("GET", "count-dead-letters").json()["count"] == before + 1
    seen = call("GET", "monitor-sagas").json()
    assert seen["parked"] == before + 1
    assert seen["by_status"]["FAILED"] == before + 1
    assert set(seen["by_status"]) == {"PENDING", "RUNNING", "ROLLING_BACK", "FAILED"}
    assert seen["oldest_unfinished"]["age_seconds"] >= 0


def test_a_retry_continues_from_the_failed_compensation(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    assert operate(call, "retry-saga", unique).status_code == 202
    saga = call("GET", "get-saga", params={"id": unique}).json()
    events = reversed(saga["events"])
    retried = [event for event in events if event["cause"] == "retried_by_operator"]
    assert (retried[0]["actor"], retried[0]["error"]) == ("anonymous", WHY)
    assert retried[0]["sentence"] == "an operator retried it"
    assert (retried[0]["from"], retried[0]["to"]) == ("FAILED", "ROLLING_BACK")
    again = operate(call, "skip-saga-step", unique, step="reserve-inventory")
    assert_problem(again, 409, "conflict")


def test_a_skipped_compensation_ends_the_saga(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    assert_problem(operate(call, "skip-saga-step", unique, step="x"), 404, "not-found", "step")
    ended = operate(call, "skip-saga-step", unique, step="reserve-inventory").json()
    assert ended["status"] == "ROLLED_BACK"


def test_a_parked_saga_is_resolved_by_an_operator(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    refused = operate(call, "resolve-saga", unique, outcome="RUNNING")
    assert_problem(refused, 422, "invalid", "outcome")
    assert refused.json()["detail"] == "outcome must be one of COMPLETED, ROLLED_BACK"
    ended = operate(call, "resolve-saga", unique, outcome="ROLLED_BACK").json()
    assert ended["status"] == "ROLLED_BACK"
    letters = call("GET", "list-dead-letters").json()["items"]
    assert unique not in [letter["saga"] for letter in letters]


def test_a_bulk_dry_run_shows_the_changes_and_makes_none(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    order = {"verb": "retry", "reason": WHY, "status": "FAILED", "name": ORDER_PROCESSING.name}
    change_list = call("POST", "operate-sagas", json={**order, "page_size": 200}).json()
    [change] = [each for each in change_list["items"] if each["id"] == unique]
    assert change_list["dry_run"] is True
    assert (change["before"], change["after"]) == ("FAILED", "ROLLING_BACK")
    assert change["next"] == ["compensate reserve-inventory"]
    assert call("GET", "get-saga", params={"id": unique}).json()["status"] == "FAILED"
    wet = {**order, "verb": "resolve", "outcome": "ROLLED_BACK", "dry_run": False}
    done = call("POST", "operate-sagas", json={**wet, "page_size": 200}).json()
    assert unique in [each["id"] for each in done["items"] if each["refused"] is None]
    assert call("GET", "get-saga", params={"id": unique}).json()["status"] == "ROLLED_BACK"


def test_a_refusal_in_bulk_has_a_reason_and_stops_no_other(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    order = {"verb": "cancel", "reason": WHY, "status": "FAILED", "dry_run": False}
    items = call("POST", "operate-sagas", json={**order, "page_size": 200}).json()["items"]
    assert all("can no longer be cancelled" in each["refused"] for each in items)


VERBS = ("cancel-saga", "pause-saga", "resume-saga", "retry-saga", "park-saga", "skip-saga-step",
         "void-saga-step")  # fmt: skip
OF_A_STEP = ("skip-saga-step", "void-saga-step")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("reason", [None, "", "   ", "x" * 501, 7])
def test_a_verb_without_a_reason_is_refused(call: Call, verb: str, reason: Any) -> None:
    body = {"id": "s"} | ({"step": "a"} if verb in OF_A_STEP else {})
    body |= {} if reason is None else {"reason": reason}
    assert_problem(call("POST", verb, json=body), 422, "invalid", "reason")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_for_a_saga_that_does_not_exist_is_404(call: Call, verb: str) -> None:
    more = {"step": "a"} if verb in OF_A_STEP else {}
    assert_problem(operate(call, verb, "no-such-saga", **more), 404, "not-found", "id")


@pytest.mark.parametrize("verb", OF_A_STEP)
def test_a_verb_for_a_step_names_it(call: Call, verb: str) -> None:
    assert_problem(operate(call, verb, "s"), 422, "invalid", "step")
    bulk = {"verb": verb.split("-")[0], "reason": WHY, "status": "FAILED"}
    assert_problem(call("POST", "operate-sagas", json=bulk), 422, "invalid", "step")


def count_events(call: Call, saga_id: str, cause: str) -> int:
    events = call("GET", "get-saga", params={"id": saga_id}).json()["events"]
    return sum(event["cause"] == cause for event in events)


def test_a_verb_with_an_outdated_if_match_is_412(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    seen = call("GET", "get-saga", params={"id": unique})
    stale = f'"{seen.json()["version"] - 1}"'
    body = {"id": unique, "reason": WHY}
    refused = call("POST", "retry-saga", json=body, headers={"If-Match": stale})
    assert_problem(refused, 412, "version-mismatch")
    assert call("GET", "get-saga", params={"id": unique}).json() == seen.json()
    done = call("POST", "retry-saga", json=body, headers={"If-Match": seen.headers["ETag"]})
    assert (done.status_code, done.json()["status"]) == (202, "ROLLING_BACK")
    retried = count_events(call, unique, "retried_by_operator")
    again = call("POST", "retry-saga", json=body, headers={"If-Match": seen.headers["ETag"]})
    # The saga moves meanwhile, so its version does not show a second retry.
    assert (again.status_code, count_events(call, unique, "retried_by_operator")) == (202, retried)


def test_a_verb_repeated_with_its_idempotency_key_is_applied_once(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    body = {"id": unique, "reason": WHY}
    key = {"Idempotency-Key": unique}
    first = call("POST", "retry-saga", json=body, headers=key).json()
    assert first["status"] == "ROLLING_BACK"
    ended = wait_for_end(call, unique)
    again = call("POST", "retry-saga", json=body, headers=key)
    assert (again.status_code, again.json()["version"]) == (202, ended["version"])
    other = call("POST", "park-saga", json=body, headers=key)
    assert_problem(other, 409, "conflict", "Idempotency-Key")


def test_a_finished_saga_can_be_neither_paused_nor_cancelled(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    operate(call, "resolve-saga", unique, outcome="ROLLED_BACK")
    for verb in ("pause-saga", "cancel-saga", "retry-saga", "resume-saga"):
        assert_problem(operate(call, verb, unique), 409, "conflict")


def test_a_saga_that_is_not_declared_is_404_and_a_child_id_cannot_be_taken(call: Call) -> None:
    new = {"name": "no-such-saga", "payload": {}}
    assert_problem(call("POST", "start-saga", json=new), 404, "not-found", "name")
    taken = {"name": ORDER_PROCESSING.name, "payload": ORDER, "id": "order-1:ship"}
    assert_problem(call("POST", "start-saga", json=taken), 422, "invalid", "id")


def test_a_payload_that_does_not_fit_names_its_field(call: Call) -> None:
    payload = {**ORDER, "address": {**ORDER["address"], "country": 1}}  # type: ignore[dict-item]
    new = {"name": ORDER_PROCESSING.name, "payload": payload}
    answer = call("POST", "start-saga", json=new)
    assert_problem(answer, 422, "invalid", "payload.address.country")


def test_a_body_over_the_limit_is_413_and_states_the_limit(call: Call) -> None:
    huge = {"name": ORDER_PROCESSING.name, "payload": {"x": "y" * 1_100_000}}
    answer = call("POST", "start-saga", json=huge)
    assert_problem(answer, 413, "too-large")
    assert "1048576 bytes" in answer.json()["detail"]


def test_a_signal_that_a_saga_does_not_have_is_404(
    call: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    sent = {"id": unique, "signal": "approval", "payload": {}}
    assert_problem(call("POST", "signal-saga", json=sent), 404, "not-found", "signal")


def test_a_forged_worker_call_is_refused_and_changes_nothing(
    call: Call, call_worker: Call, park: Callable[[str], None], unique: str
) -> None:
    park(unique)
    before = call("GET", "get-saga", params={"id": unique}).json()
    forged = {
        "saga_id": unique, "steps": 4, "phase": "compensate", "step": 0, "attempt": 3, "epoch": 0,
        "at": "2026-01-01T00:00:00Z", "timeout": 30.0,
    }  # fmt: skip
    for token in (None, "Bearer x", "Bearer a.b.SIGNATURE_REMOVED_BY_GOOGLE"):
        headers = {"Authorization": token, "X-CloudTasks-TaskName": "x"} if token else {}
        answer = call_worker("POST", "run-saga-step", json=forged, headers=headers)
        assert_problem(answer, 401, "unauthenticated")
    assert call("GET", "get-saga", params={"id": unique}).json() == before


def test_a_truncated_page_token_of_sagas_is_400(call: Call, park: Callable[[str], None]) -> None:
    for number in range(2):
        park(f"paged-{number}")
    bulk = {"verb": "pause", "reason": WHY, "status": "FAILED", "page_size": 1}
    for name in ("list-sagas", "list-dead-letters"):
        token = call("GET", name, params={"page_size": 1}).json()["next_page_token"]
        for cut in (token[:17], token[:-1]):
            answer = call("GET", name, params={"page_size": 1, "page_token": cut})
            assert_problem(answer, 400, "malformed", "page_token")
    token = call("POST", "operate-sagas", json=bulk).json()["next_page_token"]
    answer = call("POST", "operate-sagas", json={**bulk, "page_token": token[:17]})
    assert_problem(answer, 400, "malformed", "page_token")
