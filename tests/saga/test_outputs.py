"""Outputs with a declared type: checked when recorded, decoded for later steps."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import Struct

from lib.errors import Invalid
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.machine.inputs import SkipRequested
from tests.saga.bench import Bench, Probe, make_step


class Receipt(Struct):
    """What a charge returns."""

    number: int


class ReceiptNeedsMore(Struct):
    """The same after a deployment: one more required field."""

    number: int
    bank: str


def make(probe: Probe, output: Any = Receipt, when: Any = None) -> Saga:
    steps: tuple[Step, ...] = (
        make_step(probe, "charge", output=output),
        make_step(probe, "ship", when=when),
    )
    return Saga("letters", payload=dict[str, int], steps=steps)


def run(bench: Bench, saga: Saga) -> None:
    bench.engine = bench.make_engine(saga)
    bench.engine.start("letters", "s", {"n": 1})
    bench.run_to_end()


def test_the_next_step_and_its_condition_get_an_output_in_its_type(
    bench: Bench, probe: Probe
) -> None:
    found: list[Any] = []
    probe.on["charge"] = lambda _: Receipt(number=7)
    probe.on["ship"] = lambda context: found.append(context.outputs["charge"])

    def note(_: Any, outputs: Mapping[str, Any]) -> bool:
        found.append(outputs["charge"])
        return True

    run(bench, make(probe, when=note))
    assert set(map(type, found)) == {Receipt}
    assert found[-1] == Receipt(number=7)


def test_a_compensation_gets_its_own_output_in_its_type(bench: Bench, probe: Probe) -> None:
    found: list[Any] = []

    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe.on["charge"] = lambda _: {"number": 7}
    probe.on["ship"] = refuse
    probe.on["undo charge"] = lambda context: found.append(context.output)
    run(bench, make(probe))
    assert found == [Receipt(number=7)]


def test_a_parent_gets_a_childs_output_in_its_type(bench: Bench, probe: Probe) -> None:
    found: list[Any] = []
    probe.on["charge"] = lambda _: Receipt(number=7)
    probe.on["ship"] = lambda context: found.append(context.outputs["c"])
    child = Saga("kid", dict[str, int], (make_step(probe, "charge", output=Receipt),))
    part = Child[Any]("c", saga=child, payload=lambda payload, _: payload)
    run(bench, Saga("letters", payload=dict[str, int], steps=(part, make_step(probe, "ship"))))
    assert found == [Receipt(number=7)]


def test_a_step_whose_output_does_not_fit_is_compensated_not_retried(
    bench: Bench, probe: Probe
) -> None:
    probe.on["charge"] = lambda _: {"number": "seven"}
    run(bench, make(probe))
    assert probe.calls == ["charge", "undo charge"]
    saga, _ = bench.load("s")
    assert saga.status == "ROLLED_BACK"
    assert "the output does not fit its declared type: Expected `int`, got `str`" in saga.error
    assert "seven" not in saga.error


def test_a_stored_output_that_no_longer_fits_parks_before_anything_runs(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.on["charge"] = lambda _: Receipt(number=7)
    bench.engine = bench.make_engine(make(probe))
    bench.engine.start("letters", "s", {"n": 1})
    bench.deliver()
    bench.engine = bench.make_engine(make(probe, output=ReceiptNeedsMore))
    bench.run_to_end()
    assert probe.calls == ["charge"]
    saga, _ = bench.load("s")
    assert saga.status == "FAILED"
    alert = capsys.readouterr().out
    assert "the stored output of charge does not fit: Object missing required field" in alert


def test_an_operator_cannot_skip_a_step_with_an_output_that_does_not_fit(
    bench: Bench, probe: Probe
) -> None:
    saga = Saga(
        "letters",
        payload=dict[str, int],
        steps=(make_step(probe, "charge", compensate=None, output=Receipt, pivot=True),),
    )

    def break_down(_: Any) -> None:
        raise RuntimeError("no answer")

    probe.on["charge"] = break_down
    run(bench, saga)
    who: dict[str, Any] = {"actor": "ann", "reason": "by hand", "step": "charge"}
    with pytest.raises(Invalid, match="the output does not fit step charge: Expected `int`"):
        bench.engine.apply("s", SkipRequested(**who, output='{"number": "x"}'))
    done = bench.engine.apply("s", SkipRequested(**who, output='{"number": 7}'))
    assert done.status == "COMPLETED"
