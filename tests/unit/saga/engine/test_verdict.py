"""What an exception says about the effect of the call that it ended."""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.errors import AlreadyExists, AmendsError, Contention, Unavailable
from lib.observability.stack_traces import describe_stack
from lib.saga.author_code.containment import contain
from lib.saga.definition.context import NotHappened, Permanent, Retry, Unknown
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import MAX_PAUSE
from lib.saga.engine.execution.execution import call_in_thread, run_action
from lib.saga.engine.execution.verdict import Verdict, judge
from lib.saga.machine.inputs import AttemptEnded, Result
from lib.saga.state.delivery import Delivery
from tests.unit.saga.machine.build import T0

DELIVERY = Delivery(
    saga_id="s", phase=Phase.EXECUTE, step=0, attempt=1, epoch=0, at=T0,
    timeout=timedelta(seconds=5),
)  # fmt: skip


def run(action: Any) -> AttemptEnded:
    return run_action(DELIVERY, action, call_in_thread, str).outcome


def raised(problem: BaseException) -> AttemptEnded:
    def action() -> None:
        raise problem

    return run(action)


class Loud(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text today")


class LeavingText(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


class NotYet(Retry):
    def __init__(self) -> None:
        """Forget that Retry has an `__init__` too."""


class Unequal(Exception):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("they are not to be compared")

    __hash__ = None  # type: ignore[assignment]


class NoStatus(AmendsError):
    @property
    def status(self) -> int:  # type: ignore[override]
        raise RuntimeError("no status today")


class Unwritable:
    def __repr__(self) -> str:
        raise RuntimeError("no words today")


class LyingExit(BaseException):
    __class__ = ValueError  # type: ignore[assignment]


class LeavingAfter(Retry):
    after = property(lambda _: sys.exit(1), lambda _, __: None)


class Nameless(type):
    def __getattribute__(cls, name: str) -> Any:
        if name == "__name__":
            raise RuntimeError("no name today")
        return super().__getattribute__(name)


class OfNoName(Exception, metaclass=Nameless):
    """An exception whose type has no normal name."""


class LeavingItems(dict[str, int]):
    def __iter__(self) -> Any:
        raise SystemExit(1)


class LeavingAttributes:
    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt(name)


class OddText(str):
    def encode(self, *_: Any) -> bytes:
        raise RuntimeError("no bytes today")


class SaysOddly(Permanent):
    def __str__(self) -> str:
        return OddText("no")


def nest(depth: int) -> Exception:
    problem: Exception = ValueError("x")
    for _ in range(depth):
        problem = ExceptionGroup("in", [problem])
    return problem


def test_a_retry_whose_subclass_skips_the_base_init_is_retried() -> None:
    outcome = raised(NotYet())
    assert (outcome.result, outcome.after, outcome.error) == (Result.RETRYABLE, None, "NotYet")


@pytest.mark.parametrize("after", [Unwritable(), 10**5000, "x" * 10_000_000, T0, 5], ids=type)
def test_an_after_that_is_not_a_timedelta_is_ignored_with_a_note(after: Any) -> None:
    outcome = raised(Retry("busy", after=after))
    assert (outcome.result, outcome.after) == (Result.RETRYABLE, None)
    assert outcome.error.startswith("busy (ignored: after is ")
    assert len(outcome.error) < 200


@pytest.mark.parametrize("problem", [Unequal(), nest(3000), LeavingText(), NoStatus("x")])
def test_logging_an_odd_error_raises_nothing(problem: Exception) -> None:
    problem.__cause__ = Unequal()
    assert type(problem).__name__ in describe_stack(problem)


@pytest.mark.parametrize(
    ("problem", "named"),
    [
        (LeavingText(), "LeavingText: (a LeavingText whose text raises SystemExit)"),
        (NoStatus("x"), "exception_unreadable: NoStatus: RuntimeError"),
        (nest(3000), "exception_unreadable: ExceptionGroup: RecursionError"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
        (BaseExceptionGroup("both", [SystemExit(1), ValueError("x")]), "SystemExit: 1"),
        (type("OwnExit", (BaseException,), {})("mine"), "OwnExit: mine"),
        (LyingExit("x"), "LyingExit: x"),
        (OfNoName("x"), "OfNoName: x"),
        (Loud(), "Loud: (a Loud whose text raises RuntimeError)"),
        (StopIteration(), "StopIteration"),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
)
def test_the_engine_contains_everything_that_an_action_raises(
    problem: BaseException, named: str
) -> None:
    outcome = raised(problem)
    assert outcome.result is Result.UNKNOWN
    assert named in outcome.error


@pytest.mark.parametrize(
    "value", [LeavingItems(a=1), [LeavingAttributes()]], ids=["items", "attributes"]
)
@pytest.mark.parametrize("phase", [Phase.EXECUTE, Phase.COMPENSATE])
def test_the_engine_contains_everything_that_a_result_raises(value: Any, phase: Phase) -> None:
    delivery = replace(DELIVERY, phase=phase)
    outcome = run_action(delivery, lambda: value, call_in_thread, str).outcome
    assert outcome.result is Result.UNKNOWN
    assert "it would have ended the worker" in outcome.error


def test_an_exception_whose_after_raises_system_exit_is_unknown() -> None:
    outcome = raised(LeavingAfter("busy"))
    assert (outcome.result, outcome.after) == (Result.UNKNOWN, None)
    assert outcome.error == "exception_unreadable: LeavingAfter: Escaped"


def test_an_exceptions_text_is_a_plain_str() -> None:
    outcome = raised(SaysOddly())
    assert (outcome.error, type(outcome.error)) == ("no", str)


def test_an_exception_in_passing_is_not_contained() -> None:
    def leave() -> None:
        raise SystemExit(1)

    with pytest.raises(SystemExit, match="1"):
        contain(leave, (SystemExit,))


@pytest.mark.parametrize(
    ("problems", "result"),
    [
        ([Permanent("no")], Result.PERMANENT),
        ([Retry("busy"), Permanent("no")], Result.PERMANENT),
        ([ExceptionGroup("inner", [Permanent("no")]), Retry("busy")], Result.PERMANENT),
        ([Permanent("no"), ValueError("bug")], Result.INDETERMINATE),
        ([Permanent("no"), Unknown("lost")], Result.INDETERMINATE),
        ([AlreadyExists("it is there"), Retry("busy")], Result.INDETERMINATE),
        ([Retry("busy"), Contention("busy too")], Result.RETRYABLE),
        ([Retry("busy"), Unknown("lost")], Result.UNKNOWN),
        ([ValueError("bug"), KeyError("bug")], Result.UNKNOWN),
        ([Retry("busy"), Unavailable("away")], Result.UNKNOWN),
    ],
)
def test_a_group_is_judged_by_its_final_and_least_certain_members(
    problems: list[Exception], result: Result
) -> None:
    outcome = raised(ExceptionGroup("side by side", problems))
    assert outcome.result is result
    assert all(str(problem.args[0]) in outcome.error for problem in problems)


@pytest.mark.parametrize(
    ("problems", "result"),
    [
        ([NotHappened("none"), NotHappened("none")], Result.NOT_HAPPENED),
        ([NotHappened("none"), Permanent("no")], Result.PERMANENT),
        ([NotHappened("none"), ValueError("bug")], Result.INDETERMINATE),
    ],
)
def test_a_group_settles_a_status_question_only_if_all_members_do(
    problems: list[Exception], result: Result
) -> None:
    assert judge(ExceptionGroup("asked", problems), Phase.STATUS).result is result


def test_a_group_waits_for_the_longest_after_of_its_members() -> None:
    waits = [Retry("a", after=timedelta(seconds=n)) for n in (3, 9)]
    assert judge(ExceptionGroup("x", waits), Phase.EXECUTE).after == timedelta(seconds=9)


@pytest.mark.parametrize(
    ("after", "taken"),
    [
        (timedelta.max, MAX_PAUSE),
        (timedelta(seconds=-5), timedelta(0)),
        (timedelta.min, timedelta(0)),
        (5, None),
        ("soon", None),
    ],
)
@pytest.mark.parametrize("kind", [Retry, Unknown])
def test_an_after_is_limited_to_what_can_be_scheduled(
    kind: Any, after: Any, taken: timedelta | None
) -> None:
    verdict = judge(kind("busy", after=after), Phase.EXECUTE)
    assert verdict.after == taken
    assert ("ignored" in verdict.error) == (taken is None)


@pytest.mark.parametrize("value", [{1, object()}, "\ud800", ["\udcff"], [[[]] * 3, object()]])
def test_an_output_that_cannot_be_stored_is_indeterminate(value: Any) -> None:
    assert run(lambda: value).result is Result.INDETERMINATE


def test_a_circular_output_is_indeterminate() -> None:
    deep: list[Any] = []
    deep.append(deep)
    assert run(lambda: deep).result is Result.INDETERMINATE


def test_a_plain_verdict_has_no_after() -> None:
    assert judge(Permanent("no"), Phase.EXECUTE) == Verdict(result=Result.PERMANENT, error="no")
