"""The two tests that every saga deserves: each fault by itself, and many faults at random."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from lib.datastore import Store
from lib.saga.definition.saga import Saga
from lib.saga.engine.engine import Engine
from lib.saga.testing.exploration.explorer import Explorer, Invariant
from lib.saga.testing.exploration.report import Report
from lib.saga.testing.memory.http_stand_in import HttpStandIn
from lib.saga.testing.simulation.faults import Choose, Fault, Point
from lib.saga.testing.simulation.setting import Setting

#: Sagas of at most so many steps are explored with pairs of faults, unless told otherwise.
MAX_STEPS_IN_PAIRS = 1

#: How likely a fault is at each point of a random schedule, and how many there are at most.
RATES = (0.02, 0.05, 0.1, 0.2)
MAX_FAULTS = 6


def explore(
    saga: Saga,
    payload: Any,
    invariant: Invariant,
    *,
    prepare: Callable[[Store], object] | None = None,
    pairs: bool | None = None,
    operators: bool = False,
    signals: Mapping[str, Any] | None = None,
    http: HttpStandIn | None = None,
    may_park: bool = True,
    require_coverage: bool = False,
    period: timedelta = timedelta(minutes=1),
    make_engine: Callable[..., Engine] = Engine,
) -> Report:
    """Run a saga once for every fault at every point; return what was done.

    `prepare` stores what the saga's participants need. `invariant` gets the store when all is
    quiet. `pairs` adds a second fault at every later point (the default for sagas of one step).
    `operators` adds what operators ask for, and a deployment that is undone, to the faults; what
    is parked in the end is retried by hand. What an operator says was done by hand is not in the
    store, so after a skip or a resolve the invariant is not asked. `signals` has the payload of
    each signal: it comes when the saga waits for it, or earlier, or, where its time is limited,
    never. `http` stands in for the services that are called. `may_park=False` rules out that the
    saga ends FAILED. `require_coverage` rules out a part that met no fault. `period` is the
    sweep's.

    Raises ValueError for a signal without a payload, and AssertionError with the schedule in words
    when the invariant or a promise is broken; no shorter schedule does that. The actions must keep
    what they keep in the store, and must not draw lots: a run is repeated by its faults.
    """
    setting = Setting(
        saga=saga,
        payload=payload,
        prepare=prepare,
        period=period,
        operators=operators,
        signals=signals or {},
        http=http,
        may_park=may_park,
        make_engine=make_engine,
    )
    explorer = Explorer(setting, invariant)
    in_pairs = len(saga.parts) <= MAX_STEPS_IN_PAIRS if pairs is None else pairs
    singles = [
        explorer.run_schedule(schedule, moment, remembers=in_pairs)
        for schedule, moment in explorer.run_schedule({}, remembers=True).extend()
    ]
    for single in singles if in_pairs else ():
        for pair, moment in single.extend():
            explorer.run_schedule(pair, moment)
    return _check_coverage(explorer.make_report(), required=require_coverage)


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
    http: HttpStandIn | None = None,
    may_park: bool = True,
    period: timedelta = timedelta(minutes=1),
    make_engine: Callable[..., Engine] = Engine,
) -> Report:
    """Run a saga `count` times with up to 6 faults drawn by lot; return what was done.

    Raises as `explore` does, with the seed and the faults that are needed.
    """
    setting = Setting(
        saga=saga,
        payload=payload,
        prepare=prepare,
        period=period,
        operators=operators,
        signals=signals or {},
        http=http,
        may_park=may_park,
        make_engine=make_engine,
    )
    explorer = Explorer(setting, invariant)
    for number in range(count):
        if explorer.run(draw_faults(random.Random(f"{seed}/{number}"))):  # noqa: S311  no secret
            report = explorer.shorten()
            raise AssertionError(f"{report}\nThis was schedule {number} of seed {seed}.")
    return explorer.make_report()


def draw_faults(lots: random.Random) -> Choose:
    """Return who chooses faults by lot."""
    rate, left = lots.choice(RATES), [MAX_FAULTS]

    def choose(point: Point) -> Fault | None:
        if left[0] == 0 or lots.random() >= rate:
            return None
        left[0] -= 1
        return lots.choice(point.faults)

    return choose


def _check_coverage(report: Report, *, required: bool) -> Report:
    if required and report.unmet:
        raise AssertionError(f"no fault struck {', '.join(report.unmet)}: nothing shows that they "
                             f"hold\n{report}")  # fmt: skip
    return report
