"""A cancel that lifts a pause, killed at each point, leaves no child paused."""

from collections.abc import Iterator
from typing import Any

from lib.saga.definition.child import Child
from lib.saga.definition.saga import Saga
from lib.saga.engine.engine import Engine
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.faults.kinds import CANCEL, CRASH, PAUSE, Fault, Point
from lib.saga.testing.simulation.setting import Setting
from tests.unit.explore.seats import add_seats, seat

FAMILY = Saga(
    "seats",
    payload=dict,
    steps=(
        Child(
            "c",
            saga=Saga("child", payload=dict, steps=(seat("x"), seat("y"))),
            payload=lambda payload, _: payload,
            pivot=True,
        ),
    ),
)


class Careless(Engine):
    """Lets children follow only the first pause of their parent."""

    def __init__(self, *collaborators: Any) -> None:
        super().__init__(*collaborators)
        vars(self.children)["follow_pause"] = lambda _: False


class Killing:
    """Pauses the saga, cancels it, and kills the cancelling process at a point, counted from 0."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.wanted: list[Fault] = [CANCEL, PAUSE]

    def __call__(self, point: Point) -> Fault | None:
        if point.process == "a cancel":
            self.number -= 1
            return CRASH if self.number == -1 and CRASH in point.faults else None
        delivers = point.process.startswith("delivery c:") and "action" in point.where
        return self.wanted.pop() if self.wanted and delivers else None


def kill_everywhere(make_engine: type[Engine]) -> Iterator[str]:
    setting = Setting(
        saga=FAMILY, payload={}, prepare=add_seats, operators=True, make_engine=make_engine
    )
    for number in range(7):
        explorer = Explorer(setting, lambda _: True)
        yield explorer.run(Killing(number))


def test_a_killed_cancel_leaves_no_child_paused() -> None:
    assert list(kill_everywhere(Engine)) == [""] * 7


def test_a_child_that_a_killed_cancel_leaves_paused_is_found() -> None:
    assert any(kill_everywhere(Careless))
