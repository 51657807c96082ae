"""Secrets of a payload are in no error, no event and no view of a saga."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.definition.types.secret import Secret
from lib.saga.state.limits import MAX_ERROR
from tests.saga.bench import Bench

CARD = "4929 1234 5678 9012"


class Payment(Struct):
    """A payment by card."""

    cents: int
    card: Secret[str]


def refuse(payment: Payment, _: StepContext) -> Any:
    raise Permanent("x" * (MAX_ERROR - 10) + f" the card {payment.card} was refused")


def ask(payment: Payment, _: Any) -> bool:
    raise LookupError(f"no rule for {payment.card}")


PAY = Saga("pay", payload=Payment, steps=(Step("charge", execute=refuse),))
ASK = replace(PAY, steps=(Step("charge", execute=refuse, when=ask),))


@pytest.mark.parametrize(
    "saga", [PAY, replace(PAY, steps=(Step("charge", execute=refuse, when=ask),))]
)
def test_no_record_and_no_view_of_a_failed_saga_quotes_a_secret(
    bench: Bench, saga: Saga, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.engine = bench.make_engine(saga)
    bench.engine.start("pay", "s", {"cents": 900, "card": CARD})
    bench.run_to_end()
    shown = msgspec.json.encode(bench.show(), enc_hook=str).decode()
    root, steps = bench.load("s")
    kept = [root.error, *(step.error for step in steps)]
    kept += [event.error for event in bench.engine.repository.events("s")]
    shown_text = "\n".join([*kept, shown, capsys.readouterr().out])
    assert "charge" in shown_text
    for piece in (CARD, CARD[:9], CARD[-9:]):
        assert piece not in shown_text
    assert msgspec.json.decode(shown)["payload"] == {"cents": 900, "card": "[redacted]"}


def test_the_payload_of_a_saga_without_a_definition_is_not_shown(bench: Bench) -> None:
    bench.engine = bench.make_engine(PAY)
    bench.engine.start("pay", "s", {"cents": 900, "card": CARD})
    bench.engine = bench.make_engine(replace(PAY, version=2))
    assert bench.show()["payload"] == "[redacted]"
