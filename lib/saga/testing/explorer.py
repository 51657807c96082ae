"""Runs of one saga under schedules of faults, and the tale of a run that broke a promise."""

import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass

from lib.datastore import Store
from lib.saga.testing.faults import Choose, Fault, Point, describe_fault
from lib.saga.testing.process import PromiseBroken
from lib.saga.testing.promises import Finished, find_broken
from lib.saga.testing.stage import Setting
from lib.saga.testing.world import SAGA_ID, Moment, World

#: Says whether the author's own promise holds: by an assertion, or by returning False.
Invariant = Callable[[Store], object]

#: Which fault strikes at which point, by the point's number.
Schedule = dict[int, Fault]


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
    """Runs schedules, and counts them."""

    def __init__(self, setting: Setting, invariant: Invariant) -> None:
        self._setting = setting
        self._invariant = invariant
        self._world = World(setting)
        self.ran = 0

    def run(self, choose: Choose, since: Moment | None = None, *, remembers: bool = False) -> str:
        """Run with the faults that are chosen; return which promise is broken, "" for none."""
        self.ran += 1
        # The engine logs to standard output, a line for each saga that ends.
        with redirect_stdout(io.StringIO()):
            try:
                self._world.run(choose, since, remembers=remembers)
            except PromiseBroken as broken:
                return str(broken)
        return self._find_broken()

    def try_schedule(
        self, schedule: Schedule, since: Moment | None = None, *, remembers: bool = False
    ) -> Tried:
        """Run with the faults of a schedule; return what the run came to, to be extended.

        A run that `remembers` is extended from its moments, and not from the beginning.

        Raises AssertionError, which tells the schedule in words, when a promise is broken.
        """
        broken = self.run(lambda point: schedule.get(point.number), since, remembers=remembers)
        if broken:
            raise AssertionError(self.describe(broken))
        return Tried(schedule, self._world.stage.points, self._world.moments)

    def shorten(self) -> str:
        """Leave out of the last run's faults what is not needed; tell what is broken even then."""
        schedule = {point.number: fault for point, fault in self._world.stage.struck}
        for number in list(schedule):
            shorter = {key: fault for key, fault in schedule.items() if key != number}
            if self._replay(shorter):
                schedule = shorter
        return self.describe(self._replay(schedule))

    def _replay(self, schedule: Schedule) -> str:
        return self.run(lambda point: _fault_of(schedule, point))

    def describe(self, broken: str) -> str:
        """Tell the last run in words."""
        stage = self._world.stage
        faults = [describe_fault(point, fault) for point, fault in stage.struck]
        schedule = "; then ".join(faults) or "no fault at all"
        story = "\n".join(stage.story)
        return f"{broken}\nThe schedule that shows it: {schedule}.\nWhat happened:\n{story}"

    def _find_broken(self) -> str:
        stage = self._world.stage
        for saga in stage.find_sagas():
            loaded = stage.journal.load(saga.id, saga.total_steps)
            if loaded is None:
                return f"saga {saga.id} has lost its steps"
            definition = stage.definitions[saga.name, saga.definition_version]
            broken = find_broken(Finished(definition, loaded, stage.store, stage.ledger))
            if broken:
                return broken if saga.id == SAGA_ID else f"{saga.id}: {broken}"
        explored = stage.journal.find(SAGA_ID)
        return self._find_variance(explored.status) if explored else "the saga is gone"

    def _find_variance(self, status: str) -> str:
        """Return what the author's invariant has to say against the run."""
        broken = f"the invariant does not hold of a saga that is {status}"
        try:
            return broken if self._invariant(self._world.stage.store) is False else ""
        except AssertionError as problem:
            return f"{broken}: {problem}"


def _fault_of(schedule: Schedule, point: Point) -> Fault | None:
    """Return a schedule's fault at a point, if it can strike there: others may be left out."""
    fault = schedule.get(point.number)
    return fault if fault in point.faults else None
