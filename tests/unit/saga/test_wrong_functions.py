"""Functions whose annotations show at declaration that they are wrong."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NoReturn, Protocol, TypedDict
from unittest.mock import Mock

import pytest
from msgspec import Struct

from lib.saga.barrier import apply_once
from lib.saga.definition.checks import DeclarationError
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal, Step
from lib.saga.remote.http_call import HttpCall


class Order(Struct):
    total: int


class GiftOrder(Order):
    note: str


class Receipt(Struct):
    number: int


class HasTotal(Protocol):
    total: int


class Plain(TypedDict):
    total: int


class Desk:
    def pay(self, payload: Any, context: StepContext) -> None: ...

    def refund(self, payload: Any) -> None: ...

    @contextmanager
    def enter(self, payload: Any, context: StepContext) -> Generator[int]:
        yield 1


@contextmanager
def enter(payload: Any, context: StepContext) -> Generator[int]:
    yield 1


@asynccontextmanager
async def enter_later(payload: Any, context: StepContext) -> AsyncIterator[int]:
    yield 1


def act(payload: Any, context: StepContext) -> None: ...


PARTIAL: Any = functools.partial


def returning(kind: Any) -> Callable[..., Any]:
    """Return an action annotated to return a type."""

    def returned(payload: Any, context: Any) -> Any: ...

    returned.__annotations__["return"] = kind
    return returned


def taking(kind: Any) -> Callable[..., Any]:
    """Return a function whose payload is annotated with a type."""

    def taken(payload: Any, _: Any) -> Any: ...

    taken.__annotations__["payload"] = kind
    return taken


def seeing(kind: Any) -> Callable[..., Any]:
    """Return a function whose outputs are annotated with a type."""

    def seen(payload: Any, outputs: Any) -> bool:
        return True

    seen.__annotations__["outputs"] = kind
    return seen


KID = Saga("kid", Order, (Step("k", execute=act),))

ACTIONS: list[tuple[Any, str]] = [
    (enter, "is the function enter, a context manager that nobody enters"),
    (enter_later, "a context manager that nobody enters"),
    (Desk().enter, "a context manager that nobody enters"),
    (Desk.refund, "its first parameter is self: pass a method of an instance"),
    (lambda context, payload: None, "its parameter 1 is context: the payload comes first"),
    (lambda ctx, order: None, "its parameter 1 is ctx: the payload comes first"),
    (lambda _, payload: None, "its parameter 2 is payload: the payload comes first"),
    (PARTIAL(act, store=1), r"the partial does not fit the function act \(got an unexp"),
    (PARTIAL(act, context=5), r"does not fit: it takes \(payload"),
    (apply_once, "parameter effect is annotated .*called with StepContext"),
    (seeing(Mapping[str, Any]), "parameter outputs is annotated .*called with StepContext"),
    (
        returning(Awaitable[int]),
        "annotated to return .*Awaitable.*, which the engine does not await",
    ),
    (returning(AsyncIterator[int]), "annotated to return .*AsyncIterator"),
    (returning(Generator[int]), "annotated to return .*Generator"),
    (returning(Future[int]), "annotated to return .*Future"),
    (returning(Callable[[], int]), "annotated to return .*Callable"),
    (returning(Permanent), "annotated to return Permanent, which .* raise: .*or raise"),
    (returning(dict[str, int] | Permanent), "annotated to return Permanent"),
]


@pytest.mark.parametrize(("action", "words"), ACTIONS)
def test_an_action_with_wrong_annotations_is_refused(action: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=f"step a: execute.*{words}"):
        Step("a", execute=action)
    with pytest.raises(DeclarationError, match=f"step a: compensate.*{words}"):
        Step("a", execute=act, compensate=action)


CONDITIONS: list[tuple[Any, str]] = [
    (lambda outputs, payload: True, "its parameter 1 is outputs: the payload comes first"),
    (act, r"annotated StepContext, but it is called with Mapping\[str, Any\]"),
    (seeing(Receipt), r"outputs is annotated Receipt, but it is called with Mapping\[str, Any\]"),
    (HttpCall("https://pay.example"), "annotated StepContext, but it is called with Mapping"),
    (returning(None), "annotated to return NoneType, but bool is expected: write -> bool"),
]


@pytest.mark.parametrize(("condition", "words"), CONDITIONS)
def test_a_condition_with_wrong_annotations_is_refused(condition: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=f"step a: when is.*{words}"):
        Step("a", execute=act, when=condition)


@pytest.mark.parametrize("kind", [Receipt, int])
def test_a_childs_payload_of_another_type_is_refused(kind: Any) -> None:
    with pytest.raises(DeclarationError, match=r"child c: payload is .*Order is expected"):
        Child("c", saga=KID, payload=returning(kind))


@pytest.mark.parametrize("kind", [Order, int, str])
@pytest.mark.parametrize("place", ["execute", "status"])
def test_an_output_of_another_type_than_the_declared_one_is_refused(kind: Any, place: str) -> None:
    actions: dict[str, Any] = {"execute": act_of_receipt, place: returning(kind)}
    with pytest.raises(DeclarationError, match=rf"step a: {place} is .*write -> Receipt"):
        Step("a", output=Receipt, **actions)


def act_of_receipt(payload: Any, context: StepContext) -> Receipt:
    return Receipt(number=1)


@pytest.mark.parametrize(
    "kind",
    [Receipt, None, dict[str, int], Plain, Any, NoReturn, Receipt | None, "Elsewhere", HasTotal],
)
def test_a_result_that_may_become_the_declared_output_is_accepted(kind: Any) -> None:
    Step("a", execute=returning(kind), output=Receipt)


PLACES: dict[str, Callable[[], Element | Parallel]] = {
    "step a: execute": lambda: Step("a", execute=taking(Receipt)),
    "step a: compensate": lambda: Step("a", execute=act, compensate=taking(Receipt)),
    "step a: status": lambda: Step("a", execute=act, status=taking(Receipt)),
    "step a: when": lambda: Step("a", execute=act, when=taking(Receipt)),
    "signal a: when": lambda: Signal("a", when=taking(Receipt)),
    "child a: payload": lambda: Child("a", saga=KID, payload=taking(Receipt)),
    "step b: execute": lambda: Parallel(Step("c", execute=act), Step("b", execute=taking(Receipt))),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_function_of_another_payload_is_refused_by_saga_and_step(place: str) -> None:
    words = f"saga pay: {place} is .*payload is annotated Receipt, but it is called with Order"
    with pytest.raises(DeclarationError, match=words):
        Saga("pay", Order, (PLACES[place](),))


@pytest.mark.parametrize(
    "kind",
    [Order, "Order", Struct, object, Any, Order | Receipt, HasTotal, Plain, "Elsewhere", "1 +"],
    ids=str,
)
def test_an_annotation_that_may_fit_is_accepted(kind: Any) -> None:
    Saga("pay", Order, (Step("a", execute=taking(kind)),))


@pytest.mark.parametrize("kind", [GiftOrder, Mapping[str, int], int])
def test_an_annotation_that_no_decoded_payload_fits_is_refused(kind: Any) -> None:
    with pytest.raises(DeclarationError, match=r"step a: execute is .*called with Order"):
        Saga("pay", Order, (Step("a", execute=taking(kind)),))


def test_outputs_may_be_annotated_as_a_dict_a_mapping_or_a_typed_dict() -> None:
    for kind in (dict[str, Any], Mapping[str, Any], Plain, object):
        Step("a", execute=act, when=seeing(kind))


class Unseen:
    """Raises on any inspection by a declaration."""

    __hash__ = None  # type: ignore[assignment]

    @property
    def __signature__(self) -> Any:
        raise RuntimeError("not to be looked at")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, payload: Any, context: Any) -> int:
        return 1


def test_an_action_that_cannot_be_inspected_is_accepted() -> None:
    odd = Unseen()
    step = Step("a", execute=odd, compensate=odd, when=odd)  # type: ignore[arg-type]
    assert Saga("s", Order, (step,)).elements[0] is step


def test_a_mock_is_not_an_element_or_a_saga() -> None:
    with pytest.raises(DeclarationError, match=r"saga pay: entry 1 of steps: <Mock.*not an elem"):
        Saga("pay", Order, (Mock(spec=Step),))
    with pytest.raises(DeclarationError, match=r"child c: saga is <Mock.*: write the Saga itself"):
        Child("c", saga=Mock(spec=Saga), payload=lambda payload, _: payload)


def test_a_mock_is_an_action_and_not_a_cached_function() -> None:
    assert Step("a", execute=Mock(return_value=1)).execute(None, None) == 1  # type: ignore[arg-type]
