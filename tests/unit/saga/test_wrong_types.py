"""Types of payloads, signals and outputs that would fail later are refused at declaration."""

import dataclasses
import enum
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import uuid4

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from lib.saga.definition.checks import DeclarationError
from lib.saga.definition.context import StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Step
from lib.saga.testing import run

T = TypeVar("T")


class Order(Struct):
    total: int


class NoneByDefault(Struct):
    note: str = None  # type: ignore[assignment]


@dataclasses.dataclass
class NoneInDataclass:
    note: str = None  # type: ignore[assignment]


class OutOfRange(Struct):
    seats: Annotated[int, Meta(ge=1)] = 0


class NewEachTime(Struct):
    id: str = field(default_factory=lambda: str(uuid4()))


class NowEachTime(Struct):
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclasses.dataclass
class NoFactory:
    lines: list[int] = dataclasses.field(default_factory=5)  # type: ignore[call-overload]


class Raising(Struct):
    at: int = field(default_factory=lambda: int("x"))


class Inner(Struct):
    inner: list[NoneByDefault]


class Page(Struct, Generic[T]):
    items: list[T]
    next: str | None = None


class Right(Struct):
    a: int | None = None
    b: str | UnsetType = UNSET
    c: list[int] = []
    d: Annotated[int, Meta(ge=1)] = 1
    e: Order = field(default_factory=lambda: Order(total=1))
    f: float = 0
    g: "Order | None" = None


def act(payload: Any, context: StepContext) -> None: ...


WRONG: list[tuple[Any, str]] = [
    (NoneByDefault, r"NoneByDefault.note is None by default, .*write note: str \| NoneType = ..."),
    (NoneInDataclass, "NoneInDataclass.note is None by default"),
    (OutOfRange, r"OutOfRange.seats is 0 \(int\) by default, which is not .*Meta"),
    (Inner, "NoneByDefault.note is None by default"),
    (Page[NoneByDefault], "NoneByDefault.note is None by default"),
    (Order(total=1), "write the class, PLACE=Order"),
    ({"total": int}, r"write PLACE=dict\[str, ...\], or a TypedDict"),
    ([Order], r"write PLACE=list\[Order\]"),
]


@pytest.mark.parametrize(("kind", "words"), WRONG)
def test_a_type_that_would_fail_later_is_refused(kind: Any, words: str) -> None:
    places: dict[str, Callable[[], object]] = {
        "payload": lambda: Saga("pay", kind, (Step("a", execute=act),)),
        "signal s: payload": lambda: Signal("s", payload=kind),
        "output": lambda: Step("a", execute=lambda *_: None, output=kind),
    }
    for place, declare in places.items():
        label = place.rpartition(" ")[2]
        with pytest.raises(DeclarationError, match=f"{place} is .*{words.replace('PLACE', label)}"):
            declare()


NEW_EACH_TIME: list[tuple[Any, str]] = [
    (NewEachTime, "default_factory of NewEachTime.id makes a new value each time"),
    (NowEachTime, "default_factory of NowEachTime.at makes a new value each time"),
    (list[NewEachTime], "default_factory of NewEachTime.id makes a new value each time"),
    (NoFactory, "default_factory of NoFactory.lines raises TypeError: write a function"),
    (Raising, "default_factory of Raising.at raises ValueError"),
]


@pytest.mark.parametrize(("kind", "words"), NEW_EACH_TIME)
def test_a_default_that_changes_each_time_is_refused(kind: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=f"saga pay: payload is .*{words}"):
        Saga("pay", kind, (Step("a", execute=act),))
    with pytest.raises(DeclarationError, match=f"signal s: payload is .*{words}"):
        Signal("s", payload=kind)


def test_a_default_of_an_output_may_change_because_it_is_recorded() -> None:
    Step("a", execute=act, output=NowEachTime)


@pytest.mark.parametrize("kind", [Right, Page[int], Page, list[Right]])
def test_defaults_that_fit_are_accepted(kind: Any) -> None:
    Saga("pay", kind, (Step("a", execute=act),))


class Names(str, enum.Enum):  # noqa: UP042  # StrEnum shows its text everywhere
    PAY = "pay"
    SAGA = "payment"


def test_a_name_from_an_enum_is_a_plain_str() -> None:
    keys: list[str] = []
    step = Step(Names.PAY, execute=lambda _, context: keys.append(context.idempotency_key))
    saga = Saga(Names.SAGA, dict, (step,))
    run(saga, {})
    assert keys == ["run/pay"]
    assert (str(saga.name), str(step.name)) == ("payment", "pay")
