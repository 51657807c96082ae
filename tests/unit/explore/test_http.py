"""Sagas whose steps call services: explored with a stand-in, without a socket."""

import re
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from lib.datastore import Store, key
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.remote.http_call import HttpCall
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.saga.testing import (
    HttpStandIn,
    ServiceAnswer,
    ServiceRequest,
    VirtualClock,
    explore,
    random_schedules,
    run,
)

TWICE = RetryPolicy(attempts=2)
BANK_URL = "https://bank.example/accounts/ann"


def charge(request: ServiceRequest, state: dict[str, Any]) -> Any:
    """Charge once per key; refuse a key that was refunded before."""
    charges = state.setdefault("charges", {})
    if charges.setdefault(request.key, 1) == 0:
        return ServiceAnswer(status=422, body={"detail": "refunded"})
    return {"account": request.parts["account"]}


def charge_twice(request: ServiceRequest, state: dict[str, Any]) -> Any:
    """Charge for each request: a service without idempotency keys."""
    charges = state.setdefault("charges", {})
    charges[request.key] = charges.get(request.key, 0) + 1
    return {}


def refund(request: ServiceRequest, state: dict[str, Any]) -> None:
    """Refund a charge; a later charge with the same key is refused."""
    state.setdefault("charges", {})[request.body["step_key"]] = 0


def make_bank(charges: Any = charge) -> HttpStandIn:
    return HttpStandIn(
        {
            "POST https://bank.example/accounts/{account}/charge": charges,
            "POST https://bank.example/accounts/{account}/refund": refund,
        }
    )


def make_saga(*names: str) -> Saga:
    return Saga("pay", payload=dict, steps=tuple(map(make_step, names)))


def make_step(name: str) -> Step:
    return Step(
        name,
        execute=HttpCall(f"{BANK_URL}/charge", audience="https://bank.example"),
        compensate=HttpCall(f"{BANK_URL}/refund"),
        retry=TWICE,
    )


def books_balance(bank: HttpStandIn, store: Store) -> None:
    saga = store.get(key(SagaRecord, "explored"))
    charged = sum(bank.read_state(store).get("charges", {}).values())
    wanted = {SagaStatus.COMPLETED: saga.total_steps, SagaStatus.ROLLED_BACK: 0}
    assert charged == wanted.get(saga.status, charged)


def test_a_saga_of_http_calls_is_explored_and_its_coverage_printed() -> None:
    bank = make_bank()
    ran = explore(
        make_saga("a", "b"),
        {},
        lambda store: books_balance(bank, store),
        http=bank,
        require_coverage=True,
        may_park=False,
    )
    met = set(ran.coverage["b"])
    assert met >= {"lost request", "lost answer", "late answer", "served late", "served twice"}
    table = str(ran).splitlines()
    assert table[0].startswith(f"{ran.schedules} schedules, the saga in the end: ")
    assert re.match(r"a: .*bad gateway \d+, ", table[1])


def test_a_service_that_charges_twice_is_found() -> None:
    bank = make_bank(charge_twice)
    with pytest.raises(AssertionError, match="assert 2 == 1"):
        explore(make_saga("a"), {}, lambda store: books_balance(bank, store), http=bank)


def test_http_calls_survive_many_faults() -> None:
    bank = make_bank()
    random_schedules(
        make_saga("a", "b"),
        {},
        lambda store: books_balance(bank, store),
        40,
        seed=1,
        http=bank,
        may_park=False,
    )


def test_a_call_without_a_stand_in_is_named() -> None:
    for http, words in (
        (None, "but has no stand-in: pass http=HttpStandIn"),
        (HttpStandIn({"GET https://bank.example/": charge}), "no route for POST"),
    ):
        with pytest.raises(AssertionError, match=words):
            explore(make_saga("a"), {}, lambda _: True, http=http)


def test_an_invalid_route_is_refused() -> None:
    with pytest.raises(ValueError, match="write a method and a URL"):
        HttpStandIn({"/charge": charge})


def test_a_retry_after_is_waited_for_on_the_virtual_clock() -> None:
    later = VirtualClock().now + timedelta(minutes=10)

    def busy(request: ServiceRequest, state: dict[str, Any]) -> Any:
        state["asked"] = state.get("asked", 0) + 1
        if state["asked"] == 1:
            return ServiceAnswer(status=503, headers={"Retry-After": format_datetime(later)})
        return {}

    paying = run(make_saga("a"), {}, http=make_bank(busy))
    assert paying.status is SagaStatus.COMPLETED
    assert later <= paying.now < later + timedelta(seconds=1)


def test_an_element_without_a_fault_fails_if_coverage_is_required() -> None:
    never = replace(make_step("b"), when=lambda _, __: False)
    saga = Saga("pay", payload=dict, steps=(make_step("a"), never))
    with pytest.raises(AssertionError, match="no fault hit b: they are untested"):
        explore(saga, {}, lambda _: True, http=make_bank(), require_coverage=True)
