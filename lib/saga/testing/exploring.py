"""The two tests that every saga deserves: each fault by itself, and many faults at random."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from lib.datastore import Store
from lib.saga.definition import Saga
from lib.saga.engine import Engine
from lib.saga.testing.explorer import Explorer, Invariant
from lib.saga.testing.faults import Choose, Fault, Point
from lib.saga.testing.stage import Setting

#: Sagas of at most so many steps are explored with pairs of faults, unless told otherwise.
SHORT = 1

#: Faults that last for so many deliveries are not paired: for one, and until all is quiet, are.
UNPAIRED = 2

#: How likely a fault is at each point of a random schedule, and how many there are at most.
RATES = (0.02, 0.05, 0.1, 0.2)
MOST_FAULTS = 6


def explore(
    saga: Saga,
    payload: Any,
    invariant: Invariant,
    *,
    prepare: Callable[[Store], object] | None = None,
    pairs: bool | None = None,
    operators: bool = False,
    signals: Mapping[str, Any] | None = None,
    period: timedelta = timedelta(minutes=1),
    make_engine: Callable[..., Engine] = Engine,
) -> int:
    """Run a saga once for every fault at every point; return the number of schedules.

    `prepare` stores what the saga's participants need. `invariant` gets the store when all is
    quiet. `pairs` adds a second fault at every later point (the default for sagas of one step).
    `operators` adds an operator's cancel, or pause, to the faults, and has what is parked in the
    end tried again by hand. `signals` has the payloads of signals that somebody sends: at every
    point, and in the end where the saga waits. `period` is the sweep's.

    Raises AssertionError with the schedule in words when the invariant or a promise is broken;
    no shorter schedule does that. The actions must keep what they keep in the store, and must
    not draw lots: a run is had again by its faults.
    """
    setting = Setting(
        saga=saga,
        payload=payload,
        prepare=prepare,
        period=period,
        operators=operators,
        signals=signals or {},
        make_engine=make_engine,
    )
    explorer = Explorer(setting, invariant)
    in_pairs = len(saga.parts) <= SHORT if pairs is None else pairs
    singles = [
        explorer.try_schedule(schedule, moment, remembers=in_pairs)
        for schedule, moment in explorer.try_schedule({}, remembers=True).extend()
    ]
    for single in singles if in_pairs else ():
        for pair, moment in single.extend():
            if not any(fault.events == UNPAIRED for fault in pair.values()):
                explorer.try_schedule(pair, moment)
    return explorer.ran


def random_schedules(
    saga: Saga,
    payload: Any,
    invariant: Invariant,
    count: int,
    seed: int,
    *,
    prepare: Callable[[Store], object] | None = None,
    operators: bool = False,
    signals: Mapping[str, Any] | None = None,
    period: timedelta = timedelta(minutes=1),
    make_engine: Callable[..., Engine] = Engine,
) -> int:
    """Run a saga `count` times with up to 6 faults drawn by lot; return the number of schedules.

    Raises AssertionError as `explore` does, with the seed and the faults that are needed.
    """
    setting = Setting(
        saga=saga,
        payload=payload,
        prepare=prepare,
        period=period,
        operators=operators,
        signals=signals or {},
        make_engine=make_engine,
    )
    explorer = Explorer(setting, invariant)
    for number in range(count):
        if explorer.run(draw_faults(random.Random(f"{seed}/{number}"))):  # noqa: S311  no secret
            tale = explorer.shorten()
            raise AssertionError(f"{tale}\nThis was schedule {number} of seed {seed}.")
    return explorer.ran


def draw_faults(lots: random.Random) -> Choose:
    """Return who chooses faults by lot."""
    rate, left = lots.choice(RATES), [MOST_FAULTS]

    def choose(point: Point) -> Fault | None:
        if left[0] == 0 or lots.random() >= rate:
            return None
        left[0] -= 1
        return lots.choice(point.faults)

    return choose
