"""Runs one saga under schedules of faults, and reports a run that violates an invariant."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial

from lib.datastore import Store
from lib.saga.state.records import SagaStatus
from lib.saga.testing.exploration.alert_capture import AlertCapture
from lib.saga.testing.exploration.equivalence import describe_state
from lib.saga.testing.exploration.invariants import FinalState, find_violation
from lib.saga.testing.exploration.report import Coverage, Report
from lib.saga.testing.exploration.retention import describe_end, find_retention_fault
from lib.saga.testing.simulation.faults.description import describe_fault
from lib.saga.testing.simulation.faults.kinds import Choose, Fault, FaultKind, Point
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated
from lib.saga.testing.simulation.setting import Setting, list_elements
from lib.saga.testing.simulation.simulation import SAGA_ID, Simulation
from lib.saga.testing.simulation.state.snapshot import Snapshot

#: Checks the author's own invariant: fails by an assertion, or by returning False.
Invariant = Callable[[Store], object]

#: The fault at each point, by the point's number.
Schedule = dict[int, Fault]

#: The number of lines of a long report that are shown from its beginning, and from its end.
MAX_REPORT_LINES = 40

#: After these the invariant is not checked: the store lacks what an operator did by hand.
BY_HAND = frozenset({FaultKind.SKIP, FaultKind.VOID, FaultKind.RESOLVE})


@dataclass(frozen=True, slots=True)
class ExploredRun:
    """A schedule that violated no invariant, the points that its run reached, and its snapshots."""

    schedule: Schedule
    points: list[Point]
    snapshots: list[Snapshot]

    def extend(self) -> Iterator[tuple[Schedule, Snapshot | None]]:
        """Yield each schedule with one more fault, later than all of this one's.

        With it comes the last snapshot before that fault, to continue from.
        """
        for point in self.points[max(self.schedule, default=-1) + 1 :]:
            before = [snapshot for snapshot in self.snapshots if snapshot.points <= point.number]
            for fault in point.faults:
                yield {**self.schedule, point.number: fault}, before[-1] if before else None


class Explorer:
    """Runs schedules, and counts them."""

    def __init__(self, setting: Setting, invariant: Invariant) -> None:
        setting.check_signals()
        self._setting = setting
        self._invariant = invariant
        self._simulation = Simulation(setting)
        self._alert_capture = AlertCapture(self._simulation.environment)
        self._coverage = Coverage([label for label, _ in list_elements(setting.saga)])
        self._ended: Counter[str] = Counter()
        self._ran = 0
        #: The final states for which retention was checked without a fault.
        self.purged: set[tuple[object, ...]] = set()

    def make_report(self) -> Report:
        """Return the report so far."""
        return Report(self._ran, self._coverage.met, self._ended, self._coverage.all)

    def run(self, choose: Choose, since: Snapshot | None = None, *, remembers: bool = False) -> str:
        """Run with the chosen faults; return the violated invariant, "" for none."""
        self._ran += 1
        with redirect_stdout(self._alert_capture):
            try:
                self._simulation.run(choose, since, remembers=remembers)
            except InvariantViolated as broken:
                return str(broken)
            self._coverage.add(self._simulation.environment.state.injected)
            return self._find_broken() or self._check_retention()

    def _check_retention(self) -> str:
        """Check retention, unless a run that ended with the same records has passed before."""
        end = describe_end(self._simulation.environment)
        if end in self.purged:
            return ""
        broken = find_retention_fault(self._simulation.environment)
        if not broken:
            self.purged.add(end)
        return broken

    def run_schedule(
        self, schedule: Schedule, since: Snapshot | None = None, *, remembers: bool = False
    ) -> ExploredRun:
        """Run with the faults of a schedule; return the run, which can be extended.

        A run that `remembers` is extended from its snapshots, and not from the beginning.

        Raises AssertionError, which describes the schedule, if an invariant is violated.
        """
        broken = self.run(partial(self._choose, schedule), since, remembers=remembers)
        if broken:
            raise AssertionError(self.describe(broken))
        return ExploredRun(
            schedule, self._simulation.environment.state.points, self._simulation.snapshots
        )

    def _choose(self, schedule: Schedule, point: Point) -> Fault | None:
        """Return a schedule's fault at a point; fail the run if that fault cannot happen there."""
        fault = schedule.get(point.number)
        if fault is not None and fault not in point.faults:
            self._simulation.environment.processes.fail(
                f"the same faults gave a different run: {fault.kind} cannot happen {point.where}. "
                "Do the actions use randomness, a clock of their own, or keep data outside the "
                "store?"
            )
        return fault

    def run_singles(self, *, remembers: bool = False) -> list[ExploredRun]:
        """Run without a fault, and then with each fault at each point.

        Runs that `remember` keep snapshots. Raises AssertionError as `run_schedule` does.
        """
        return [
            self.run_schedule(schedule, snapshot, remembers=remembers)
            for schedule, snapshot in self.run_schedule({}, remembers=True).extend()
        ]

    def run_pairs(self, singles: Iterable[ExploredRun]) -> None:
        """Run each of these with one more fault, but only once from each state.

        Raises AssertionError as `run_schedule` does.
        """
        seen: set[Hashable] = set()
        for single in singles:
            states = {id(snapshot): describe_state(snapshot) for snapshot in single.snapshots}
            for pair, snapshot in single.extend():
                state = _describe_start(pair, snapshot, states)
                if state not in seen:
                    seen.add(state)
                    self.run_schedule(pair, snapshot)

    def shorten(self) -> str:
        """Remove unnecessary faults from the last run; report which invariant is still violated."""
        schedule = {
            point.number: fault for point, fault in self._simulation.environment.state.injected
        }
        for number in list(schedule):
            shorter = {key: fault for key, fault in schedule.items() if key != number}
            if self._replay(shorter):
                schedule = shorter
        return self.describe(self._replay(schedule))

    def _replay(self, schedule: Schedule) -> str:
        return self.run(lambda point: _fault_of(schedule, point))

    def describe(self, broken: str) -> str:
        """Describe the last run."""
        environment = self._simulation.environment
        faults = [describe_fault(point, fault) for point, fault in environment.state.injected]
        schedule = "; then ".join(faults) or "no fault at all"
        report = "\n".join(_cut(environment.state.report))
        return f"{broken}\nThe schedule that shows it: {schedule}.\nWhat happened:\n{report}"

    def _find_broken(self) -> str:
        environment = self._simulation.environment
        for saga in environment.sagas.find_all():
            loaded = environment.repository.fill(environment.repository.load_steps(saga))
            definition = environment.definitions.get_declared(saga)
            finished = FinalState(
                definition,
                loaded,
                environment.store,
                environment.state.history,
                len(environment.state.injected),
            )
            broken = find_violation(finished)
            if broken:
                return broken if saga.id == SAGA_ID else f"{saga.id}: {broken}"
        if environment.state.helped and not environment.state.unrepeated:
            return f"only the daily look made saga {environment.state.helped} progress"
        explored = environment.repository.find(SAGA_ID)
        return self._find_variance(explored.status) if explored else "the saga is gone"

    def _find_variance(self, status: SagaStatus) -> str:
        """Return which of the author's invariants the run has violated, "" for none."""
        environment = self._simulation.environment
        self._ended[str(status)] += 1
        if status is SagaStatus.FAILED and not self._setting.may_park:
            return "the saga is parked, which may_park=False rules out"
        if any(fault.kind in BY_HAND for _, fault in environment.state.injected):
            return ""
        broken = f"the invariant does not hold for a saga that is {status}"
        try:
            return broken if self._invariant(environment.store) is False else ""
        except AssertionError as problem:
            return f"{broken}: {problem}"


def _cut(report: list[str]) -> list[str]:
    """Return a report without its middle, if it is long."""
    if len(report) <= 2 * MAX_REPORT_LINES:
        return report
    left_out = f"({len(report) - 2 * MAX_REPORT_LINES} lines are left out)"
    return [*report[:MAX_REPORT_LINES], left_out, *report[-MAX_REPORT_LINES:]]


def _describe_start(
    schedule: Schedule, snapshot: Snapshot | None, states: Mapping[int, Hashable]
) -> Hashable:
    """Return what decides how a run continues: the state at a snapshot, and the faults after it.

    Earlier faults count only if an operator has decided the outcome of a step.
    """
    if snapshot is None:
        return tuple(schedule.items())
    ahead = [(number - snapshot.points, fault) for number, fault in schedule.items()]
    by_hand = any(number < 0 and fault.kind in BY_HAND for number, fault in ahead)
    later = tuple(each for each in ahead if each[0] >= 0)
    return states[id(snapshot)], by_hand, later


def _fault_of(schedule: Schedule, point: Point) -> Fault | None:
    """Return a schedule's fault at a point, if it can happen there: other faults may be removed."""
    fault = schedule.get(point.number)
    return fault if fault in point.faults else None
