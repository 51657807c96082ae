"""The outputs that a function reads are checked against earlier steps at declaration."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict

import pytest
from msgspec import Struct

from lib.saga.definition.checks import DeclarationError
from lib.saga.definition.child import Child
from lib.saga.definition.context import StepContext
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal, Step


class Receipt(Struct):
    number: int


class Label(Struct):
    text: str


class Found(TypedDict):
    charge: Receipt


class Misspelt(TypedDict):
    chrage: Receipt


class Late(TypedDict):
    ship: str


class Unknown(TypedDict, total=False):
    zzz: str


class OfAll(TypedDict, total=False):
    charge: Receipt
    ship: str


class Unresolved(TypedDict):
    charge: "Elsewhere"  # type: ignore[name-defined]  # noqa: F821


class Other(TypedDict):
    charge: Label


class Plain(TypedDict):
    stock: dict[str, int]
    note: NotRequired[str]


class Timed(TypedDict):
    stock: datetime


class Approved(TypedDict):
    approval: Label


class OfChild(TypedDict):
    kid: Receipt


def any_outputs(payload: Any, context: StepContext) -> None: ...


def charge(payload: Any, context: StepContext) -> Receipt:
    return Receipt(number=1)


def given(kind: Any) -> Callable[..., Any]:
    def looking(payload: Any, context: Any) -> Any: ...

    looking.__annotations__["context"] = StepContext[kind]
    return looking


def asked(kind: Any) -> Callable[..., bool]:
    def asking(payload: Any, outputs: Any) -> bool:
        return True

    asking.__annotations__["outputs"] = kind
    return asking


CHARGE = Step("charge", execute=charge, output=Receipt)
KID = Saga("kid", dict, (CHARGE,))
BEFORE: tuple[Element, ...] = (
    CHARGE,
    Step("stock", execute=any_outputs),
    Step("note", execute=any_outputs),
    Signal("approval", payload=Label),
    Child("kid", saga=KID, payload=lambda *_: {}),
)


def declare(part: Element | Parallel) -> Saga:
    return Saga("pay", dict, (*BEFORE, part))


WRONG: list[tuple[Any, str]] = [
    (Misspelt, "no step is called chrage, which Misspelt asks for: write charge"),
    (
        Unknown,
        "no step is called zzz, which Unknown asks for: the steps are charge, stock, note, app",
    ),
    (
        Late,
        r"no earlier step is called ship, which Late asks for: write ship: NotRequired\[...\], or",
    ),
    (Other, "Other.charge is Label, but charge gives Receipt: write that type"),
    (
        Timed,
        "Timed.stock is datetime, but stock gives plain JSON: write output=datetime in that step",
    ),
    (
        Approved,
        r"Approved.approval is Label, but approval gives plain JSON: write dict\[str, Any\]",
    ),
]


@pytest.mark.parametrize(("kind", "words"), WRONG)
def test_an_output_that_no_earlier_step_has_is_refused(kind: Any, words: str) -> None:
    places: dict[str, Element | Parallel] = {
        "step ship: execute": Step("ship", execute=given(kind)),
        "step ship: when": Step("ship", execute=any_outputs, when=asked(kind)),
        "child ship: payload": Child("ship", saga=KID, payload=asked(kind)),
        "step b: execute": Parallel(
            Step("ship", execute=any_outputs), Step("b", execute=given(kind))
        ),
    }
    for place, part in places.items():
        with pytest.raises(DeclarationError, match=f"saga pay: {place} is .*, and {words}"):
            declare(part)


def test_a_compensation_may_read_its_own_output_and_existing_names() -> None:
    declare(Step("ship", execute=any_outputs, compensate=given(Late)))
    with pytest.raises(DeclarationError, match=r"compensate is .*called chrage"):
        declare(Step("ship", execute=any_outputs, compensate=given(Misspelt)))


@pytest.mark.parametrize("kind", [Found, Plain, OfChild, OfAll, Unresolved, Annotated[Found, 1]])
def test_outputs_of_earlier_steps_are_accepted(kind: Any) -> None:
    declare(Step("ship", execute=given(kind), when=asked(kind)))


def test_a_type_parameter_of_a_child_may_be_left_out_in_each_python() -> None:
    assert Child[dict]("c", saga=KID, payload=lambda *_: {}).saga is KID  # type: ignore[type-arg]
    assert Step[int]("s", execute=any_outputs).name == "s"
