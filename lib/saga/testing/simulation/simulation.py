"""A saga's run from its start until nothing is left to do: chooses the next event."""

from lib.errors import Invalid, NotFound, Unavailable
from lib.saga.testing.simulation.environment import SLACK, Environment
from lib.saga.testing.simulation.events.actors import Actors
from lib.saga.testing.simulation.events.deliveries import Deliveries
from lib.saga.testing.simulation.events.strikes import Strikes
from lib.saga.testing.simulation.events.sweeps import Sweeps
from lib.saga.testing.simulation.faults.kinds import Choose, Fault
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated
from lib.saga.testing.simulation.processes.process import Process
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.state.run_state import Postponed
from lib.saga.testing.simulation.state.snapshot import Snapshot

#: The id of the saga that is explored.
SAGA_ID = "explored"

#: The maximum number of lines in a report: a run with a longer one probably never ends.
MAX_REPORT = 2000


class Simulation:
    """Runs a saga any number of times, each from the beginning until nothing is left to do."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self.environment = Environment(setting, self._carry_out)
        self._deliveries = Deliveries(self.environment)
        self._sweeps = Sweeps(setting, self.environment)
        self._actors = Actors(setting, self.environment)
        self._strikes = Strikes(self.environment, self._deliveries, self._actors, self._go_on)

    def run(
        self, choose: Choose, since: Snapshot | None = None, *, remembers: bool = False
    ) -> None:
        """Run the saga, or continue from a snapshot of an earlier run. Raises InvariantViolated.

        If it `remembers`, `snapshots` has this run's snapshots afterwards.
        """
        self.snapshots: list[Snapshot] = []
        self.environment.restore(since or self.environment.beginning, choose)
        try:
            while not (self.environment.sagas.find_all() or self._start()):
                self.environment.clock.advance(SLACK)
            while True:
                if remembers:
                    self.snapshots.append(self.environment.save())
                if not self._step():
                    return
        finally:
            self._strikes.end_workers()

    def _start(self) -> bool:
        """Start the saga; False if the caller must try again."""

        def start() -> str:
            try:
                saga = self._setting.saga
                self.environment.engine.start(saga.name, SAGA_ID, self._setting.payload)
            except Unavailable as problem:
                return problem.code
            except (NotFound, Invalid) as refused:
                # The current deployment does not have the saga, or its type of payload.
                if not self._actors.repair():
                    raise
                return refused.code
            return "started"

        ended = self.environment.perform(Process("the start"), start)
        return ended == "started" or (ended == "killed" and bool(self.environment.sagas.find_all()))

    def _carry_out(self, process: Process, fault: Fault) -> None:
        self._strikes.carry_out(process, fault)

    def _go_on(self, until: int | None) -> None:
        """Run until this total number of events, or until nothing is left to do."""
        while (until is None or self.environment.state.events < until) and self._step():
            pass

    def _step(self) -> bool:
        """Let the next event happen; False if there is none."""
        if len(self.environment.state.report) > MAX_REPORT:
            raise InvariantViolated("the saga runs in a loop")
        due = self._take_due()
        if due is not None:
            self._deliveries.do_held(due)
            return True
        task = self.environment.queue.next
        now = self.environment.clock.now
        if (task is None or task.at > now) and self._actors.send_signal():
            return True
        if task is None and not self._moves():
            return self._actors.repair() or self._sweeps.look()
        self._sweeps.skip_idle(task)
        if task is not None and task.at <= self.environment.state.next_sweep:
            self.environment.clock.advance_to(task.at)
            self._deliveries.dispatch(task)
        else:
            self._sweeps.check_patience()
            self._sweeps.sweep()
        return True

    def _moves(self) -> bool:
        """Return whether more events will happen without help."""
        sagas = self.environment.sagas
        return bool(sagas.find_outstanding()) or sagas.has_unalerted()

    def _take_due(self) -> Postponed | None:
        """Return a postponed event that is due; all are due when nothing else is left to do."""
        held, events = self.environment.state.held, self.environment.state.events
        quiescent = bool(held) and not self.environment.queue.tasks and not self._moves()
        for each in held:
            if quiescent or (each.until is not None and each.until <= events):
                held.remove(each)
                return each
        return None
