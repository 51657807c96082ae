"""The two tests that every saga should have: each single fault, and many random faults."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from lib.datastore import Store
from lib.saga.definition.saga import Saga
from lib.saga.engine.engine import Engine
from lib.saga.testing.exploration.explorer import Explorer, Invariant
from lib.saga.testing.exploration.report import Report
from lib.saga.testing.exploration.short_retries import shorten_retries
from lib.saga.testing.memory.http_stand_in import HttpStandIn
from lib.saga.testing.simulation.faults.kinds import Choose, Fault, Point
from lib.saga.testing.simulation.setting import Setting

#: Sagas of at most this many steps are explored with pairs of faults by default.
MAX_STEPS_IN_PAIRS = 1

#: The probability of a fault at each point of a random schedule, and the maximum number of faults.
RATES = (0.02, 0.05, 0.1, 0.2)
MAX_FAULTS = 6


class Circumstances(TypedDict, total=False):
    """The optional arguments of both tests.

    `prepare` stores what the saga's participants need. `operators` adds operators' requests, and a
    deployment that is undone, to the faults; a saga that is parked in the end is retried by hand.
    The store does not have what an operator did by hand, so the invariant is not checked after a
    skip, a void or a resolve. `signals` has the payload of each signal, which is sent when the saga
    waits for it, or earlier, or never if its time is limited. `http` stands in for the services
    that are called. `may_park=False` fails the test if the saga ends FAILED. `period` is the time
    between two sweeps, one minute by default.
    """

    prepare: Callable[[Store], object] | None
    operators: bool
    signals: Mapping[str, Any]
    http: HttpStandIn | None
    may_park: bool
    period: timedelta
    make_engine: Callable[..., Engine]


def explore(
    saga: Saga,
    payload: Any,
    invariant: Invariant,
    *,
    pairs: bool | None = None,
    require_coverage: bool = False,
    **circumstances: Unpack[Circumstances],
) -> Report:
    """Run a saga once for every fault at every point; return a report.

    `invariant` gets the store when nothing is left to do. `pairs` adds a second fault at every
    later point, with two or three attempts of each action (the default for sagas of one step).
    `require_coverage` fails the test if a step had no fault. For the rest see `Circumstances`.

    Raises ValueError for a signal without a payload, and AssertionError with the shortest schedule
    if an invariant of Amends or of the author does not hold. Actions must keep their data in the
    store and use no randomness, so that the same faults always give the same run.
    """
    setting = Setting(saga=saga, payload=payload, **circumstances)
    explorer = Explorer(setting, invariant)
    explorer.run_singles()
    report = explorer.make_report()
    if pairs if pairs is not None else len(saga.elements) <= MAX_STEPS_IN_PAIRS:
        report = report.add(_explore_pairs(setting, invariant))
    return _check_coverage(report, required=require_coverage)


def _explore_pairs(setting: Setting, invariant: Invariant) -> Report:
    short = shorten_retries(setting.saga)
    explorer = Explorer(replace(setting, saga=short), invariant)
    explorer.run_pairs(explorer.run_singles(remembers=True))
    return explorer.make_report()


def random_schedules(
    saga: Saga,
    payload: Any,
    invariant: Invariant,
    count: int,
    seed: int,
    **circumstances: Unpack[Circumstances],
) -> Report:
    """Run a saga `count` times with up to 6 random faults; return a report.

    Raises as `explore` does, with the seed and the necessary faults.
    """
    explorer = Explorer(Setting(saga=saga, payload=payload, **circumstances), invariant)
    for number in range(count):
        if explorer.run(draw_faults(random.Random(f"{seed}/{number}"))):  # noqa: S311  no secret
            report = explorer.shorten()
            raise AssertionError(f"{report}\nThis was schedule {number} of seed {seed}.")
    return explorer.make_report()


def draw_faults(generator: random.Random) -> Choose:
    """Return a function that chooses faults at random, the same for equal generators."""
    rate, left = generator.choice(RATES), [MAX_FAULTS]

    def choose(point: Point) -> Fault | None:
        if left[0] == 0 or generator.random() >= rate:
            return None
        left[0] -= 1
        return generator.choice(point.faults)

    return choose


def _check_coverage(report: Report, *, required: bool) -> Report:
    if required and report.unmet:
        raise AssertionError(f"no fault hit {', '.join(report.unmet)}: they are untested\n{report}")
    return report
