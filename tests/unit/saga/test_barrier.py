"""The barrier on the store in memory: equal results, several effects, settled statuses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from msgspec import Struct, ValidationError

from lib.datastore import Id, Transaction, Version, entity, key
from lib.saga.author_code.deferred_work import NotRun
from lib.saga.barrier import Effect, apply_once, settle_once, undo_once
from lib.saga.definition.context import NotHappened, Permanent, StepContext
from lib.saga.testing.memory.store import MemoryStore


@entity
@dataclass(slots=True, kw_only=True)
class Account:
    id: Id[str]
    cents: int = 0
    version: Version = 0


@dataclass
class Receipt:
    id: str
    cents: int


class Ticket(Struct):
    at: datetime
    price: Decimal


class Seat(NamedTuple):
    row: int
    letter: str


class Color(Enum):
    RED = "red"


@pytest.fixture
def call() -> StepContext:
    return StepContext(
        saga_id="s",
        step="pay",
        attempt=1,
        idempotency_key="s/pay",
        fencing_token=1,
        deadline=datetime(2026, 1, 1, tzinfo=UTC),
        store=MemoryStore(),
    )


def add(cents: int, account: str = "a") -> Callable[[Transaction], int]:
    """Return an effect that adds to an account and returns what it added."""

    def effect(tx: Transaction) -> int:
        found = tx.find(key(Account, account))
        tx.upsert(
            replace(found or Account(id=account), cents=(found.cents if found else 0) + cents)
        )
        return cents

    return effect


def take_back(tx: Transaction, cents: int) -> None:
    add(-cents)(tx)


def cents(call: StepContext, account: str = "a") -> int:
    found = call.store.find(key(Account, account))
    return found.cents if found else 0


RESULTS: list[tuple[Any, Any]] = [
    (Receipt("r", 5), Receipt),
    (Ticket(datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.10")), Ticket),
    (Seat(1, "c"), Seat),
    ((1, "a"), tuple[int, str]),
    ({1, 2}, set[int]),
    (Color.RED, Color),
    (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime),
    (date(2026, 1, 1), date),
    (timedelta(seconds=5), timedelta),
    (Decimal("1.10"), Decimal),
    (UUID(int=7), UUID),
    (b"bytes", bytes),
    ({3: [Receipt("r", 5)]}, dict[int, list[Receipt]]),
    (None, None),
]


@pytest.mark.parametrize(("result", "kind"), RESULTS)
def test_the_first_call_and_a_duplicate_get_equal_results(
    call: StepContext, result: Any, kind: Any
) -> None:
    first, again = (apply_once(replace(call), lambda _: result) for _ in range(2))
    assert (first, type(first)) == (again, type(again))
    assert settle_once(call) == first
    undone: list[Any] = []
    undo_once(call, lambda _, seen: undone.append(seen))
    assert undone == [first]


@pytest.mark.parametrize(("result", "kind"), RESULTS)
def test_with_a_type_both_get_what_the_effect_returned(
    call: StepContext, result: Any, kind: Any
) -> None:
    first, again = (apply_once(replace(call), lambda _: result, type=kind) for _ in range(2))
    assert first == again == result == settle_once(call, type=kind)
    undone: list[Any] = []
    undo_once(call, lambda _, seen: undone.append(seen), type=kind)
    assert undone == [result]


@pytest.mark.parametrize("result", [object(), {1, object()}, {(1, 2): 3}])
def test_an_effect_whose_result_is_not_json_is_not_written(call: StepContext, result: Any) -> None:
    with pytest.raises(TypeError, match=r"has no form in JSON|cannot be the key of a dict"):
        apply_once(call, lambda tx: (add(5)(tx), result)[1])
    assert (cents(call), call.store.find(key(Effect, "s/pay"))) == (0, None)


def test_an_effect_whose_result_does_not_fit_its_type_is_not_written(call: StepContext) -> None:
    with pytest.raises(ValidationError, match="Expected `str`"):
        apply_once(call, add(5), type=str)
    assert cents(call) == 0


def test_a_second_unnamed_effect_in_one_call_is_refused(call: StepContext) -> None:
    apply_once(call, add(5))
    with pytest.raises(ValueError, match=r"step pay: a second apply_once .* name='\.\.\.'"):
        apply_once(call, lambda tx: add(7)(tx))
    for amount in (1, 2):
        with pytest.raises(ValueError, match="a second apply_once without a name"):
            apply_once(call, add(amount))
    assert cents(call) == 5


def test_a_second_effect_with_the_same_name_is_refused(call: StepContext) -> None:
    apply_once(call, add(5), name="money")
    with pytest.raises(ValueError, match="a second apply_once under the name 'money'"):
        apply_once(call, add(7), name="money")


def test_a_second_unnamed_undo_in_one_call_is_refused(call: StepContext) -> None:
    undo_once(call, take_back)
    with pytest.raises(ValueError, match="step pay: a second undo_once without a name"):
        undo_once(call, lambda tx, seen: take_back(tx, seen))


@pytest.mark.parametrize("name", ["a/b", "a\n", "x" * 2000, "ä"])
def test_an_effects_name_is_checked(call: StepContext, name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid name for an effect"):
        apply_once(call, add(5), name=name)


def test_each_named_effect_happens_once_and_is_undone_once(call: StepContext) -> None:
    for _ in range(2):
        again = replace(call)
        assert apply_once(again, add(5), name="money") == 5
        assert apply_once(again, add(7), name="points") == 7
        assert apply_once(again, add(1)) == 1
    assert cents(call) == 13
    for _ in range(2):
        again = replace(call)
        undo_once(again, take_back)
        undo_once(again, take_back, name="points")
        undo_once(again, take_back, name="money")
    assert cents(call) == 0


def test_all_effects_of_a_step_are_in_one_record(call: StepContext) -> None:
    apply_once(call, add(5), name="money")
    apply_once(call, add(7), name="points")
    record = call.store.get(key(Effect, call.idempotency_key))
    assert [part.name for part in record.parts] == ["money", "points"]


def test_effects_that_did_not_happen_leave_a_tombstone(call: StepContext) -> None:
    apply_once(call, add(5), name="money")
    back = replace(call, fencing_token=2)
    undo_once(back, take_back, name="points")
    undo_once(back, take_back, name="money")
    with pytest.raises(Permanent, match="compensated before this call arrived"):
        apply_once(call, add(7), name="points")
    assert cents(call) == 0


def test_the_refusal_of_one_effect_does_not_affect_another(call: StepContext) -> None:
    def refuse(_: Transaction) -> None:
        raise Permanent("no points")

    for _ in range(2):
        with pytest.raises(Permanent, match="no points"):
            apply_once(call, refuse, name="points")
    assert apply_once(call, add(5), name="money") == 5


def asked(call: StepContext) -> StepContext:
    """Return the call that asks for the status of a step."""
    return replace(call, fencing_token=call.fencing_token + 1)


def test_a_settled_status_refuses_a_late_attempt(call: StepContext) -> None:
    with pytest.raises(NotHappened, match="it was not done"):
        settle_once(asked(call))
    with pytest.raises(Permanent, match="was settled as not executed"):
        apply_once(call, add(5))
    with pytest.raises(Permanent, match="was settled as not executed"):
        apply_once(replace(call), add(5), name="money")
    assert cents(call) == 0


def test_a_settled_step_can_happen_after_an_operators_retry(call: StepContext) -> None:
    with pytest.raises(NotHappened, match="not done"):
        settle_once(asked(call))
    later = replace(call, fencing_token=3)
    assert apply_once(later, add(5)) == 5
    assert settle_once(asked(call)) == 5


def test_a_refused_effect_is_settled_with_its_reason(call: StepContext) -> None:
    def refuse(_: Transaction) -> None:
        raise Permanent("no credit")

    with pytest.raises(Permanent, match="no credit"):
        apply_once(call, refuse)
    with pytest.raises(NotHappened, match="no credit"):
        settle_once(replace(call, fencing_token=3))
    with pytest.raises(Permanent, match="was settled as not executed"):
        apply_once(replace(call, fencing_token=2), add(5))
    assert cents(call) == 0


def test_a_partly_done_step_is_not_settled_as_not_executed(call: StepContext) -> None:
    apply_once(call, add(5), name="money")
    with pytest.raises(Permanent, match="done in part"):
        settle_once(asked(call), name="points")
    with pytest.raises(Permanent, match="was settled as not executed"):
        apply_once(replace(call), add(7), name="points")


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_late_step_and_its_status_never_contradict_each_other(
    call: StepContext, interrupted: bool
) -> None:
    """The first to commit wins, even if it runs in the middle of the other one."""
    answers: list[str] = []

    def settle() -> None:
        try:
            settle_once(asked(call))
            answers.append("yes")
        except NotHappened:
            answers.append("no")

    def effect(tx: Transaction) -> int:
        if interrupted and not answers:
            settle()
        return add(5)(tx)

    try:
        apply_once(call, effect)
    except Permanent:
        assert (answers, cents(call)) == (["no"], 0)
    else:
        settle()
        assert (answers, cents(call)) == (["yes"], 5)


async def take_back_later(tx: Transaction, cents: int) -> None:
    take_back(tx, cents)


@pytest.mark.parametrize(
    "undo",
    [
        take_back_later,
        lambda tx, cents: map(partial(take_back, tx), [cents]),
        lambda tx, cents: (add(-each)(tx) for each in [cents]),
        lambda tx, cents: lambda: take_back(tx, cents),
    ],
)
def test_a_deferred_undo_undoes_nothing_and_is_not_recorded(call: StepContext, undo: Any) -> None:
    apply_once(call, add(5))
    later = replace(call, fencing_token=2)
    with pytest.raises(NotRun, match="the undo returned a "):
        undo_once(later, undo)
    undo_once(replace(call, fencing_token=3), take_back)
    assert call.store.get(key(Account, "a")).cents == 0


def test_a_deferred_effect_is_named_in_the_error(call: StepContext) -> None:
    async def effect(tx: Transaction) -> int:
        return add(5)(tx)

    with pytest.raises(NotRun, match=r"the effect returned a coroutine .*await it"):
        apply_once(call, effect)
    assert call.store.find(key(Effect, "s/pay")) is None
