"""Random sagas of any shape, with steps that fail in any way."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Chaining, OnCompensationFailure, Saga
from lib.saga.definition.steps import Parallel, Signal, Step, Timer
from tests.unit.explore.answers import CRASHED, LATER, NO
from tests.unit.explore.seats import Script, seat

NAMES = "abcdexyz"

#: The kinds of elements; a seat is the most frequent.
KINDS = ("step", "step", "step", "group", "timer", "signal", "child", "pivot")


#: What can go wrong where. A participant that has had an effect but answers "no" is lying, and no
#: saga can compensate for that.
PROBLEMS: dict[str, tuple[Exception, ...]] = {
    "": (NO, LATER, CRASHED),
    "refused ": (NO, LATER, CRASHED),
    "undo ": (NO, LATER, CRASHED),
    "late ": (CRASHED,),
    "late undo ": (CRASHED,),
}
HOW_OFTEN = 0.06

#: How many steps have a task of their own.
OWN_TASK = 0.2


class SagaGenerator:
    """Draws one saga, and uses each name for one step."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._left = list(NAMES)
        self._script = dict(self._draw_script())
        self._number = 0
        #: The payloads of the signals that the saga waits for, by name.
        self.signals: dict[str, int] = {}

    def draw(self) -> Saga:
        """Return a saga of up to eight steps, including those of children."""
        deadline = self._random.choice([None, None, 1, 60, 5000])
        # A timer that outlasts the deadline is refused, so all timers together fit into it.
        self._naps = [1, 100, 10**6] if deadline is None else [deadline / 10]
        return Saga(
            "seats",
            payload=dict,
            steps=tuple(self._draw_parts(6, undo=True, nested=False)) or (self._seat(undo=True),),
            on_compensation_failure=self._random.choice(list(OnCompensationFailure)),
            deadline=None if deadline is None else timedelta(seconds=deadline),
            chaining=self._random.choice(list(Chaining)),
        )

    def _draw_script(self) -> Iterator[tuple[str, Exception]]:
        for name in NAMES:
            for when, problems in PROBLEMS.items():
                for attempt in ("", "/1", "/2"):
                    if self._random.random() < HOW_OFTEN:
                        yield f"{when}{name}{attempt}", self._random.choice(problems)

    def _draw_parts(self, most: int, *, undo: bool, nested: bool) -> Iterator[Element | Parallel]:
        for _ in range(most):
            if len(self._left) < 3:
                return
            kind = self._random.choice(KINDS)
            if kind == "group":
                yield Parallel(self._seat(undo=undo), self._seat(undo=undo))
            elif kind == "timer":
                length = self._random.choice(self._naps)
                yield Timer(self._name("nap"), after=timedelta(seconds=length))
            elif kind == "signal":
                yield self._signal()
            elif kind == "child" and not nested:
                yield self._child()
            elif kind == "pivot" and undo and not nested:
                yield self._seat(undo=False, pivot=True)
                undo = False
            else:
                yield self._seat(undo=undo)

    def _signal(self) -> Signal:
        signal = Signal(self._name("go"), within=timedelta(seconds=self._random.choice(self._naps)))
        self.signals[signal.name] = 1
        return signal

    def _child(self) -> Child:
        parts = (self._seat(undo=True), *self._draw_parts(1, undo=True, nested=True))
        how = self._random.choice(list(OnCompensationFailure))
        saga = Saga(
            self._name("child"),
            payload=dict,
            steps=parts,
            on_compensation_failure=how,
            chaining=self._random.choice(list(Chaining)),
        )
        return Child(self._name("c"), saga=saga, payload=_pass_on)

    def _seat(self, **options: Any) -> Step:
        script: Script = self._script
        own_task = self._random.random() < OWN_TASK
        return seat(self._left.pop(0), script, own_task=own_task, **options)

    def _name(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}-{self._number}"


def _pass_on(payload: Any, _: Any) -> Any:
    return payload


def count_seats(saga: Saga) -> int:
    """Return the number of seats that a completed saga has taken."""
    children = (count_seats(part.saga) for part in saga.elements if isinstance(part, Child))
    return sum(isinstance(part, Step) for part in saga.elements) + sum(children)
