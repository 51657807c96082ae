"""Exploring a saga: a run for every fault at every point, and random runs with many faults."""

import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lib.datastore import Store
from lib.saga.definition import Saga
from lib.saga.engine import Engine
from lib.saga.testing.faults import Choose, Fault, Point, describe_fault
from lib.saga.testing.process import PromiseBroken
from lib.saga.testing.promises import Finished, find_broken
from lib.saga.testing.stage import Setting
from lib.saga.testing.world import SAGA_ID, Moment, World

#: Says whether the author's own promise holds, by an assertion or by returning False.
Invariant = Callable[[Store], object]

#: Which fault strikes at which point, by the point's number.
Schedule = dict[int, Fault]

#: Sagas of at most so many steps are explored with pairs of faults unless told otherwise.
SHORT = 2


@dataclass(frozen=True, slots=True)
class Tried:
    """A schedule that kept all promises, the points that its run came to, and its moments."""

    schedule: Schedule
    points: list[Point]
    moments: list[Moment]

    def extend(self) -> Iterator[tuple[Schedule, Moment | None]]:
        """Return each schedule with one more fault, later than those that there are.

        With it comes the last moment before that fault, to go on from.
        """
        for point in self.points[max(self.schedule, default=-1) + 1 :]:
            before = [moment for moment in self.moments if moment.points <= point.number]
            for fault in point.faults:
                yield {**self.schedule, point.number: fault}, before[-1] if before else None


class Explorer:
    """Runs schedules and says of each which promise it breaks, if any."""

    def __init__(self, setting: Setting, invariant: Invariant) -> None:
        self._setting = setting
        self._invariant = invariant
        self._world = World(setting)
        self.ran = 0

    def run(self, choose: Choose, since: Moment | None = None) -> str:
        """Run with the faults that are chosen; return which promise is broken, "" for none."""
        self.ran += 1
        with redirect_stdout(io.StringIO()):
            try:
                self._world.run(choose, since)
            except PromiseBroken as broken:
                return str(broken)
        return self._find_broken()

    def try_schedule(self, schedule: Schedule, since: Moment | None = None) -> Tried:
        """Run with the faults of a schedule; return what the run came to.

        Raises AssertionError, which tells the schedule in words, when a promise is broken.
        """
        broken = self.run(lambda point: schedule.get(point.number), since)
        if broken:
            raise AssertionError(self.describe(broken))
        return Tried(schedule, self._world.stage.points, self._world.moments)

    @property
    def struck(self) -> Schedule:
        """The faults of the last run, as a schedule."""
        return {point.number: fault for point, fault in self._world.stage.struck}

    def _find_broken(self) -> str:
        stage = self._world.stage
        saga = stage.journal.find(SAGA_ID)
        loaded = stage.journal.load(SAGA_ID, saga.total_steps) if saga else None
        if loaded is None:
            return "the saga is gone"
        finished = Finished(self._setting.saga, loaded, stage.store, stage.ledger)
        broken = find_broken(finished)
        if broken:
            return broken
        try:
            if self._invariant(stage.store) is False:
                return f"the invariant does not hold of a saga that is {loaded[0].status}"
        except AssertionError as problem:
            return f"the invariant does not hold of a saga that is {loaded[0].status}: {problem}"
        return ""

    def describe(self, broken: str) -> str:
        """Tell the last run in words."""
        stage = self._world.stage
        faults = [describe_fault(point, fault) for point, fault in stage.struck]
        schedule = "; then ".join(faults) or "no fault at all"
        story = "\n".join(f"  {line}" for line in stage.story)
        return f"{broken}\nThe schedule that shows it: {schedule}.\nWhat happened:\n{story}"


def explore(
    saga: Saga,
    payload: Any,
    invariant: Invariant,
    *,
    prepare: Callable[[Store], object] | None = None,
    pairs: bool | None = None,
    cancels: bool = False,
    period: timedelta = timedelta(minutes=1),
    make_engine: Callable[..., Engine] = Engine,
) -> int:
    """Run a saga once for every fault at every point; return how many schedules that were."""
    setting = Setting(
        saga=saga,
        payload=payload,
        prepare=prepare,
        period=period,
        cancels=cancels,
        make_engine=make_engine,
    )
    explorer = Explorer(setting, invariant)
    in_pairs = len(saga.steps) <= SHORT if pairs is None else pairs
    first = explorer.try_schedule({})
    for schedule, moment in first.extend():
        second = explorer.try_schedule(schedule, moment)
        if in_pairs:
            for pair, later in second.extend():
                explorer.try_schedule(pair, later)
    return explorer.ran
