"""An endless recursion in an author's code fails its call, and ends no process."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.observability.stack_traces import MAX_FRAMES, describe_stack
from lib.saga.author_code import recursion_guard
from lib.saga.author_code.containment import contain
from lib.saga.definition.phase import Phase
from lib.saga.engine.execution.execution import call_in_thread, run_action
from lib.saga.machine.inputs import Result
from tests.unit.saga.machine.build import Played


def plain() -> Any:
    return plain()


def with_any(*_: Any) -> Any:
    return with_any()


def with_default(number: int = 0) -> Any:
    return with_default()


def with_keywords(**_: Any) -> Any:
    return with_keywords()


def with_a_keyword(*, number: int = 0) -> Any:
    return with_a_keyword(number=1)


class Node:
    def __init__(self, child: Any = None) -> None:
        self.child = Node()

    def __getattr__(self, name: str) -> Any:
        return self.other


def through_sort() -> Any:
    return sorted([1, 2], key=lambda *_: through_sort())


def by_attribute() -> Any:
    return object.__new__(Node).missing


ENDLESS: list[Callable[[], Any]] = [
    plain, with_any, with_default, with_keywords, with_a_keyword, Node, by_attribute, through_sort,
]  # fmt: skip


@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("phase", [Phase.EXECUTE, Phase.COMPENSATE, Phase.STATUS])
def test_an_endless_recursion_fails_the_attempt_with_a_short_stack(
    endless: Callable[[], Any], phase: Phase
) -> None:
    [delivery] = Played().deliveries
    object.__setattr__(delivery, "phase", phase)
    outcome, problem = run_action(delivery, endless, call_in_thread, str)
    assert outcome.result is Result.UNKNOWN
    assert "RecursionError" in outcome.error
    assert problem is not None
    assert describe_stack(problem).count("File ") <= MAX_FRAMES


@pytest.fixture
def overlooking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make this interpreter overlook any recursion, as some do for some functions."""
    depth, limit = recursion_guard.max_depth(), sys.getrecursionlimit()
    monkeypatch.setattr(recursion_guard, "overlooks_recursion", lambda: True)
    monkeypatch.setattr(recursion_guard, "max_depth", lambda: depth)
    sys.setrecursionlimit(100_000_000)
    yield
    sys.setrecursionlimit(limit)


#: The error may be raised in a finalizer, which swallows it; then the next one follows.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.usefixtures("overlooking")
@pytest.mark.parametrize("endless", [plain, with_any, with_a_keyword])
def test_a_recursion_that_the_interpreter_overlooks_is_noticed(endless: Callable[[], Any]) -> None:
    with pytest.raises(RecursionError, match="recursion"):
        contain(endless)
    with pytest.raises(RecursionError, match="recursion"):
        call_in_thread(timedelta(seconds=30), endless)


@pytest.mark.usefixtures("overlooking")
def test_an_author_may_catch_the_error_and_continue() -> None:
    def careful() -> str:
        try:
            return str(with_any())
        except RecursionError:
            return "caught"

    assert [contain(careful), contain(careful)] == ["caught", "caught"]


def test_a_late_error_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The author's code ends between the measurement and the error, which must hit no other."""
    raised: list[tuple[int, type[Exception] | None]] = []
    monkeypatch.setattr(recursion_guard, "_raise_in", lambda *made: raised.append(made))
    monkeypatch.setattr(recursion_guard, "_is_too_deep", lambda _: True)
    watch, thread = recursion_guard._Watch(), threading.get_ident()
    watch.add(thread)
    while not raised:
        time.sleep(0.001)
    watch.remove(thread)
    assert (raised[0], raised[-1]) == ((thread, recursion_guard.EndlessRecursion), (thread, None))
