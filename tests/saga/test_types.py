"""Types changed under the same version: reported before deployment, parked at run time."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

import pytest
from msgspec import Struct

from lib.datastore import key
from lib.errors import Conflict
from lib.saga.definition.child import Child
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.definition.table import Definitions
from lib.saga.definition.types.shape import describe_need, describe_type
from lib.saga.machine.inputs import CancelRequested, RetryRequested
from lib.saga.operators.compatibility import find_stranded
from lib.saga.state.records import DeadLetter
from tests.saga.bench import Bench, Probe, make_step


class Order(Struct):
    """The payload as it is deployed now."""

    sku: str
    gift: bool = False


class OrderNeedsMore(Struct):
    """One more required field."""

    sku: str
    country: str


class OrderTakesMore(Struct):
    """One more field that has a default."""

    sku: str
    gift: bool = False
    country: str = "US"


class OrderTakesLess(Struct, forbid_unknown_fields=True):
    """An optional field, undone."""

    sku: str


class OrderOfNumber(Struct):
    """A field of another type."""

    sku: int


class Colour(StrEnum):
    """What a sku may be, in one more variant."""

    RED = "red"


class OrderOfColour(Struct):
    """A field with fewer values."""

    sku: Colour


class Approval(Struct):
    """The signal as it is deployed now."""

    by: str


class ApprovalNeedsMore(Struct):
    """The signal with one more required field."""

    by: str
    level: int


class ApprovalTakesMore(Struct):
    """The signal with one more field that has a default."""

    by: str
    level: int = 0


class Receipt(Struct):
    """The output of step a as it is deployed now."""

    number: str


class ReceiptOfNumber(Struct):
    """The output with a field of another type."""

    number: int


AGAIN = RetryRequested(actor="ops", reason="repaired")
PAYLOAD = {"sku": "secret-tea", "gift": True}


def make(
    probe: Probe, *, payload: Any = Order, signal: Any = Approval, output: Any = Receipt
) -> Saga:
    steps = (
        make_step(probe, "a", output=output),
        Signal("go", payload=signal),
        make_step(probe, "b"),
    )
    return Saga("letters", payload=payload, steps=steps)


def check(bench: Bench, *sagas: Saga) -> list[str]:
    return [
        f"{each.count} {each.name} {each.version}: {each.reason}"
        for each in find_stranded(bench.store, Definitions(sagas))
    ]


@pytest.fixture
def deploy(bench: Bench, probe: Probe) -> Callable[..., None]:
    """Start two sagas under the first types, then return what deploys others."""
    probe.on["a"] = lambda _: {"number": "r1"}

    def run(**types: Any) -> None:
        bench.engine = bench.make_engine(make(probe, **types))

    run()
    for each in ("s1", "s2"):
        bench.engine.start("letters", each, PAYLOAD)
    return run


# Before the deployment


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"payload": OrderNeedsMore}, "payload: Object missing required"),
        ({"payload": OrderTakesLess}, "Object contains unknown field `gift`"),
        ({"payload": OrderOfNumber}, "Expected `int`, got `str` - at `$.sku`"),
        ({"payload": OrderOfColour}, "Invalid enum value - at `$.sku`"),
        ({"signal": ApprovalNeedsMore}, "signal go is still expected with its old type"),
        ({"signal": int}, "signal go is still expected with its old type"),
    ],
)
@pytest.mark.usefixtures("deploy")
def test_a_changed_type_is_reported_with_saga_version_and_count(
    bench: Bench, probe: Probe, changed: dict[str, Any], reason: str
) -> None:
    [reported] = check(bench, make(probe, **changed))
    assert reported.startswith("2 letters 1: has other types under the same version: ")
    assert reason in reported
    assert "tea" not in reported


@pytest.mark.parametrize(
    "changed",
    [{}, {"payload": OrderTakesMore}, {"signal": ApprovalTakesMore}, {"signal": object}],
)
@pytest.mark.usefixtures("deploy")
def test_a_type_that_accepts_the_stored_values_is_deployed(
    bench: Bench, probe: Probe, changed: dict[str, Any]
) -> None:
    assert check(bench, make(probe, **changed)) == []


def test_an_untyped_signal_cannot_get_a_type_later(bench: Bench, probe: Probe) -> None:
    bench.engine = bench.make_engine(make(probe, signal=object))
    bench.engine.start("letters", "s1", PAYLOAD)
    [reported] = check(bench, make(probe, signal=Approval))
    assert "signal go is still expected with its old type" in reported


@pytest.mark.usefixtures("deploy")
def test_the_check_reads_no_saga_if_no_type_has_changed(bench: Bench, probe: Probe) -> None:
    bench.rpc.calls.clear()
    assert check(bench, make(probe)) == []
    assert set(bench.rpc.calls) == {"RunAggregationQuery"}


@pytest.mark.usefixtures("deploy")
def test_stored_outputs_and_signals_must_fit_too(bench: Bench, probe: Probe) -> None:
    bench.deliver()
    [reported] = check(bench, make(probe, output=ReceiptOfNumber))
    assert reported.startswith("1 letters 1:")
    assert "the stored output of a does not fit: Expected `int`, got `str`" in reported
    for each in ("s1", "s2"):
        bench.engine.signal(each, "go", {"by": "ann"}, actor="ann")
    assert check(bench, make(probe, signal=ApprovalTakesMore)) == []
    told_of = check(bench, make(probe, signal=ApprovalNeedsMore))
    assert [each.partition(" ")[0] for each in told_of] == ["1", "1"]
    assert all("signal go: " in each for each in told_of)


@pytest.mark.usefixtures("deploy")
def test_a_new_version_may_have_other_types_than_the_old_one(bench: Bench, probe: Probe) -> None:
    newer = replace(make(probe, payload=OrderNeedsMore, signal=int), version=2)
    assert check(bench, make(probe), newer) == []


def test_types_that_differ_only_in_descriptions_are_equal() -> None:
    class Other(Struct):
        """Another docstring."""

        sku: str
        gift: bool = False

    assert describe_type(Other) == describe_type(Order)
    assert describe_type(Order) != describe_type(OrderTakesMore)
    assert describe_need(Order) == describe_need(OrderTakesMore)
    assert describe_need(Order) != describe_need(OrderNeedsMore)
    assert describe_need(Any) == describe_need(object) == ""


# A start that comes again


def test_a_repeated_start_is_equal_after_a_field_with_a_default_was_added(
    bench: Bench, deploy: Callable[..., None]
) -> None:
    deploy(payload=OrderTakesMore)
    assert bench.engine.start("letters", "s1", PAYLOAD).id == "s1"
    assert bench.engine.start("letters", "s1", {**PAYLOAD, "country": "US"}).id == "s1"
    with pytest.raises(Conflict, match="another name or payload"):
        bench.engine.start("letters", "s1", {**PAYLOAD, "country": "GB"})
    with pytest.raises(Conflict, match="another name or payload"):
        bench.engine.start("letters", "s1", {"sku": "coffee"})


# At run time


def finish(bench: Bench, saga_id: str) -> str:
    bench.run_to_end()
    return bench.statuses(saga_id)[0]


def test_a_payload_that_no_longer_fits_parks_before_anything_runs(
    bench: Bench, probe: Probe, deploy: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(payload=OrderNeedsMore)
    assert bench.deliver() == "parked"
    assert probe.calls == []
    saga, steps = bench.load("s1")
    assert (saga.status, [step.status for step in steps]) == ("FAILED", ["PENDING"] * 3)
    events = bench.engine.repository.events("s1")
    assert events[-1].cause == "definition_missing"
    reason = bench.store.get(key(DeadLetter, "s1")).reason
    assert "payload: Object missing required field `country`" in reason
    assert "letters version 1" in reason
    assert '"alert":"saga-parked"' in capsys.readouterr().out


def test_the_next_deployment_and_a_retry_repair_a_type_mismatch(
    bench: Bench, probe: Probe, deploy: Callable[..., None]
) -> None:
    deploy(payload=OrderNeedsMore)
    bench.deliver()
    with pytest.raises(Conflict, match="payload: Object missing"):
        bench.engine.apply("s1", AGAIN)
    deploy(payload=OrderTakesMore)
    bench.engine.apply("s1", AGAIN)
    bench.engine.signal("s1", "go", {"by": "ann"}, actor="ann")
    assert finish(bench, "s1") == "COMPLETED"
    assert probe.calls.count("a") == 2  # once for each of the two sagas


def test_a_compensation_does_not_run_on_a_payload_that_no_longer_fits(
    bench: Bench, probe: Probe, deploy: Callable[..., None]
) -> None:
    bench.run_to_end()
    bench.engine.apply("s1", CancelRequested(actor="ops", reason="stop"))
    deploy(payload=OrderNeedsMore)
    assert bench.run_to_end() == ["parked"]
    assert "undo a" not in probe.calls
    deploy()
    bench.engine.apply("s1", AGAIN)
    assert finish(bench, "s1") == "ROLLED_BACK"
    assert probe.calls.count("undo a") == 1


def test_a_kept_signal_that_no_longer_fits_parks_its_saga_before_the_next_step(
    bench: Bench, probe: Probe, deploy: Callable[..., None]
) -> None:
    bench.engine.signal("s1", "go", {"by": "ann"}, actor="ann")
    deploy(signal=ApprovalNeedsMore)
    assert bench.deliver() == "parked"
    assert probe.calls == []
    deploy(signal=ApprovalTakesMore)
    bench.engine.apply("s1", AGAIN)
    assert finish(bench, "s1") == "COMPLETED"


def test_a_signal_for_a_saga_that_cannot_run_here_is_refused(
    bench: Bench, deploy: Callable[..., None]
) -> None:
    bench.run_to_end()
    deploy(payload=OrderNeedsMore)
    with pytest.raises(Conflict, match="payload: Object missing"):
        bench.engine.signal("s1", "go", {"by": "ann"}, actor="ann")


def test_a_notification_does_not_continue_a_parent_whose_payload_no_longer_fits(
    bench: Bench, probe: Probe
) -> None:
    child = Saga("child", payload=dict, steps=(make_step(probe, "x"),))

    def make_parent(payload: Any) -> Saga:
        below = Child("c", saga=child, payload=lambda _, __: {})
        return Saga("letters", payload=payload, steps=(below, make_step(probe, "b")))

    bench.engine = bench.make_engine(make_parent(Order))
    bench.engine.start("letters", "s", PAYLOAD)
    bench.deliver()
    bench.engine = bench.make_engine(make_parent(OrderNeedsMore))
    assert bench.run_to_end() == ["parked"]
    assert bench.engine.repository.events("s")[-1].cause == "definition_missing"
    bench.engine = bench.make_engine(make_parent(Order))
    bench.engine.apply("s", AGAIN)
    assert finish(bench, "s") == "COMPLETED"
    assert probe.calls == ["x", "b"]
