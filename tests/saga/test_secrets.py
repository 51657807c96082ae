"""Secrets, wherever an author can put them, are in no view, text, log or task."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pytest
from msgspec import Struct

from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.element import Element
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Step
from lib.saga.definition.types.returned import returned_type
from lib.saga.definition.types.secret import REDACTED, WHOLLY_SECRET, Secret
from lib.saga.machine.decide import park_unrecorded
from lib.saga.machine.inputs import ParkRequested, ResolveRequested, SkipRequested, TimerFired
from lib.saga.operators import view
from lib.saga.state.records import SagaStatus
from tests.saga.bench import Bench

if TYPE_CHECKING:
    from decimal import Decimal as Unresolved

ONCE = RetryPolicy(attempts=1)
CARD, TOKEN, PIN, CODE = "4929 1234 5678 9012", "tok-8f3a9c", 730411, "code-55-81"


class Payment(Struct):
    card: Secret[str]
    cents: int = 900


@dataclass
class Receipt:
    token: Secret[str]
    pin: Secret[int]
    ok: bool = True


class Approval(Struct):
    code: Secret[str]
    by: str = "ann"


def charge(payment: Payment, call: StepContext) -> Receipt:
    return Receipt(TOKEN, PIN)


def echo(payment: Payment, call: StepContext) -> dict[str, Any]:
    """Return secrets of an earlier step, a signal and the payload."""
    code = call.outputs.get("approve", {}).get("code")
    return {"said": f"paid by {payment.card}", "pin": PIN, code or "none": [TOKEN], "left": 1}


def quote(payment: Payment, call: StepContext) -> None:
    known = [payment.card, *map(str, call.outputs.values())]
    raise Permanent(f"no: {known}")


def undo_loudly(_: Any, call: StepContext) -> None:
    raise ValueError(f"cannot refund {call.output} of {call.outputs}")


def ask_loudly(_: Any, outputs: Any) -> bool:
    raise LookupError(f"no rule for {outputs}")


CHARGE = Step("charge", execute=charge)
APPROVE = Signal("approve", payload=Approval)


def pay(*steps: Element[Any], name: str = "pay") -> Saga:
    return Saga(name, payload=Payment, steps=steps)


def run(bench: Bench, saga: Saga, *, signal: bool = True) -> None:
    bench.engine = bench.make_engine(saga)
    bench.engine.start(saga.name, "s", {"card": CARD})
    if signal and any(isinstance(part, Signal) for part in saga.elements):
        bench.engine.signal("s", "approve", {"code": CODE}, actor="ann")
    bench.run_to_end()


def everything_shown(bench: Bench, capsys: pytest.CaptureFixture[str]) -> str:
    """Return everything that is shown of all sagas."""
    engine = bench.engine
    pages = [view.page_of_sagas(engine.repository, None, None, 100, None)]
    shown = [bench.show(each["id"]) for each in pages[0]["items"]]
    pages.append(view.page_of_letters(engine.repository, None, 100, None))
    return msgspec.json.encode([*pages, *shown], enc_hook=str).decode() + capsys.readouterr().out


def check_secrets_are_kept(bench: Bench, capsys: pytest.CaptureFixture[str]) -> str:
    text = everything_shown(bench, capsys)
    for secret in (CARD, TOKEN, str(PIN), CODE):
        assert secret not in text, f"{secret} in {text}"
    return text


SAGAS = {
    "an output of a marked type": pay(CHARGE),
    "a signal of a marked type": pay(APPROVE),
    "an output that repeats other secrets": pay(CHARGE, APPROVE, Step("b", execute=echo)),
    "an error of a later step": pay(CHARGE, APPROVE, Step("b", execute=quote)),
    "an error of a compensation": pay(
        replace(CHARGE, compensate=undo_loudly, compensation_retry=ONCE),
        APPROVE,
        Step("b", execute=quote),
    ),
    "an error of a condition": pay(CHARGE, Step("b", execute=echo, when=ask_loudly)),
    "an error past the pivot": pay(
        replace(CHARGE, pivot=True), APPROVE, Step("b", execute=quote, retry=ONCE)
    ),
}


@pytest.mark.parametrize("what", SAGAS)
def test_a_secret_is_shown_nowhere(
    bench: Bench, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    run(bench, SAGAS[what])
    assert REDACTED in check_secrets_are_kept(bench, capsys)


def test_a_step_gets_secrets_that_are_not_shown(bench: Bench) -> None:
    seen: list[Any] = []
    last = Step("b", execute=lambda _, call: seen.append(dict(call.outputs)))
    run(bench, pay(CHARGE, APPROVE, last))
    assert seen[0]["charge"] == {"token": TOKEN, "pin": PIN, "ok": True}
    assert seen[0]["approve"]["code"] == CODE


def test_the_public_fields_of_an_output_are_shown(bench: Bench) -> None:
    run(bench, pay(CHARGE, APPROVE, Step("b", execute=echo)))
    shown = [step["output"] for step in bench.show()["steps"]]
    assert shown[0] == {"token": REDACTED, "pin": REDACTED, "ok": True}
    assert shown[1] == {"code": REDACTED}
    assert shown[2] == {
        "said": f"paid by {REDACTED}", "pin": REDACTED, REDACTED: [REDACTED], "left": 1,
    }  # fmt: skip


def test_an_output_without_secrets_is_shown_to_the_last_digit(bench: Bench) -> None:
    run(bench, pay(Step("a", execute=lambda *_: 12345678901234567890)))
    [step] = bench.show()["steps"]
    assert bytes(step["output"]) == b"12345678901234567890"


def in_child(of: Saga) -> Child[Any]:
    return Child[Any, Any]("c", saga=of, payload=lambda payment, _: {"card": payment.card})


def test_a_childs_payload_result_and_error_are_kept_in_its_parent_too(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    child = pay(CHARGE, name="kid")
    run(bench, pay(in_child(child), Step("b", execute=quote)))
    check_secrets_are_kept(bench, capsys)
    bench.queue.named.clear()
    failing = replace(pay(CHARGE, Step("x", execute=quote), name="kid"), version=2)
    bench.engine = bench.make_engine(replace(pay(in_child(failing)), version=2))
    bench.engine.start("pay", "t", {"card": CARD})
    bench.run_to_end()
    assert bench.load("t")[0].error.startswith("step c: ")
    check_secrets_are_kept(bench, capsys)


def untyped(payload: Any, call: StepContext) -> None:
    raise Permanent(f"no: {payload}")


def test_a_childs_error_does_not_quote_its_parents_secret_in_the_parent(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    child = Saga("kid", payload=dict, steps=(Step("x", execute=untyped),))
    run(bench, pay(in_child(child)))
    root, [step] = bench.load("s")
    events = bench.engine.repository.events("s")
    texts = [root.error, step.error, *(event.error for event in events)]
    assert any(REDACTED in text for text in texts)
    assert not any(CARD in text for text in texts)


def test_secrets_in_an_operators_reason_and_output_are_hidden(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    pivot = Step("p", execute=lambda *_: None, pivot=True)
    run(bench, pay(pivot, replace(CHARGE, execute=quote, retry=ONCE, output=Receipt)))
    reason = f"{CARD} was charged by hand: {TOKEN}"
    given = msgspec.json.encode(Receipt(TOKEN, PIN)).decode()
    step = SkipRequested(actor="op", reason=reason, step="charge", output=given)
    bench.engine.apply("s", step)
    assert "was charged by hand" in check_secrets_are_kept(bench, capsys)


def test_a_saga_without_a_definition_shows_no_values(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    run(bench, pay(CHARGE, APPROVE), signal=False)
    bench.engine = bench.make_engine(replace(pay(CHARGE), version=2))
    bench.engine.apply("s", ParkRequested(actor="op", reason=f"see {CARD} and {TOKEN}"))
    request = ResolveRequested(actor="op", reason=f"{PIN} it is", outcome=SagaStatus.COMPLETED)
    bench.engine.apply("s", request)
    check_secrets_are_kept(bench, capsys)
    assert bench.show()["steps"][0]["output"] == REDACTED


def test_the_reason_of_an_outcome_that_cannot_be_recorded_quotes_nothing(bench: Bench) -> None:
    saga = pay(CHARGE, APPROVE)
    run(bench, saga, signal=False)
    reason = f"what it has returned cannot be stored: {CARD}, {TOKEN}"
    woken = TimerFired(step=1, attempt=1)
    decision = park_unrecorded(*bench.load("s"), woken, reason, bench.time, saga)
    letter = decision.dead_letter
    assert letter is not None
    texts = [letter.reason, decision.saga.parked_because, *(e.error for e in decision.events)]
    assert not any(secret in text for secret in (CARD, TOKEN) for text in texts)


class Stricter(Struct):
    card: Secret[str]
    cents: str


def test_a_view_names_the_field_that_no_longer_fits(bench: Bench) -> None:
    run(bench, pay(APPROVE), signal=False)
    stricter = replace(pay(APPROVE), payload=Stricter)
    bench.engine = bench.make_engine(stricter)
    stored, _ = bench.load("s")
    reason = "the stored payload no longer fits its type: Expected `str` - at `$.cents`"
    bench.store.update(replace(stored, parked_because=reason, payload='{"card":"x","cents":1}'))
    shown = bench.show()
    assert (shown["error"], shown["payload"]) == (reason, REDACTED)


def test_no_task_and_no_index_contains_a_payload(bench: Bench) -> None:
    bench.engine = bench.make_engine(pay(CHARGE, APPROVE))
    bench.engine.start("pay", "s", {"card": CARD})
    bodies: list[str] = []
    while bench.queue.waiting:
        delivery = bench.queue.take()
        bodies.append(msgspec.json.encode(delivery).decode())
        bench.deliver(delivery)
    assert len(bodies) == 1
    assert not any(secret in body for body in bodies for secret in (CARD, TOKEN, str(PIN)))
    root, _ = bench.load("s")
    assert CARD in root.payload


class Charger:
    def __call__(self, payment: Payment, call: StepContext) -> "Receipt":
        return Receipt(TOKEN, PIN)

    def charge(self, payment: Payment, call: StepContext) -> list[Receipt]:
        return []


def unresolved(payment: Payment, call: StepContext) -> "Unresolved":
    raise NotImplementedError


def generated(payment: Payment, call: StepContext) -> Iterator[int]:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (charge, Receipt),
        (partial(charge), Receipt),
        (Charger(), Receipt),
        (Charger().charge, list[Receipt]),
        (echo, Any),
        (lambda *_: None, Any),
        (print, Any),
        (quote, Any),
        (generated, Any),
        (unresolved, WHOLLY_SECRET),
    ],
)
def test_a_marked_return_annotation_counts(function: Any, kind: Any) -> None:
    assert returned_type(function) == kind


def test_the_declared_output_overrides_the_annotation() -> None:
    assert replace(CHARGE, output=dict[str, Any]).output_type == dict[str, Any]
    assert Step("b", execute=quote, output=Annotated[str, 5]).output_type == Annotated[str, 5]
