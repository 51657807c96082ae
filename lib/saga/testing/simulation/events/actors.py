"""The other actors in a run: senders of signals, operators and deployments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from lib.errors import Conflict, Contention, NotBegun, NotFound, Unavailable
from lib.saga.definition.steps import Signal
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    Requested,
    ResolveRequested,
    ResumeRequested,
    RetryRequested,
    SagaRequest,
    SignalReceived,
    SkipRequested,
    VoidRequested,
)
from lib.saga.state.records import (
    ACTIVE,
    FORWARD,
    SagaRecord,
    SagaStatus,
    StepRecord,
    StepStatus,
)
from lib.saga.testing.simulation.environment import Environment
from lib.saga.testing.simulation.faults.kinds import NO_SIGNAL, Fault, FaultKind
from lib.saga.testing.simulation.processes.process import Process
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.state.deployment import Deployed
from lib.saga.testing.simulation.state.run_state import Requests

T = TypeVar("T", bound=Requested)

BROKEN = frozenset({StepStatus.FAILED, StepStatus.COMPENSATION_FAILED})

#: The outcomes of a request that got no clear answer.
UNANSWERED = frozenset({"killed", Unavailable.code, Contention.code, NotBegun.code})

#: The errors that a caller gets instead of an answer.
REFUSED = (Conflict, NotFound, Unavailable, Contention, NotBegun)


@dataclass(frozen=True, slots=True)
class Actors:
    """Sends signals and requests, between two points of a process."""

    setting: Setting
    environment: Environment

    @property
    def _requests(self) -> Requests:
        return self.environment.state.requests

    def carry_out(self, fault: Fault) -> None:
        """Carry out a fault."""
        requests: dict[FaultKind, Callable[[], object]] = {
            FaultKind.CANCEL: lambda: self._send_to_roots("a cancel", _make(CancelRequested)),
            FaultKind.PAUSE: lambda: self._send_to_roots("a pause", _make(PauseRequested)),
            FaultKind.RESUME: self._resume,
            FaultKind.RETRY: self._retry,
            FaultKind.PARK: self._park,
            FaultKind.SKIP: lambda: self._repair("a skip by hand", SkipRequested),
            FaultKind.VOID: lambda: self._repair("a void by hand", VoidRequested),
            FaultKind.RESOLVE: self._resolve,
            FaultKind.DEPLOY: lambda: self._deploy(Deployed.WITHDRAWN),
            FaultKind.DEPLOY_TYPES: lambda: self._deploy(Deployed.CHANGED),
            FaultKind.SIGNAL: self._send_early,
        }
        requests[fault.kind]()

    def send_signal(self) -> bool:
        """Send the next signal that a saga waits for, or decide that it never comes.

        Returns False if no saga waits for one.
        """
        for saga in self.environment.sagas.find_all() if self.setting.signals else ():
            for step in self.environment.sagas.steps_of(saga) if _may_take_signals(saga) else ():
                if self._is_wanted(saga, step):
                    return self._send_or_not(saga, step)
        return False

    def repair(self) -> bool:
        """Undo a deployment, a pause or a park, when nothing else is left to do; False if none."""
        return self._bring_back() or self._resume() or self._retry_parked()

    def _is_wanted(self, saga: SagaRecord, step: StepRecord) -> bool:
        name = (saga.id, step.name)
        gone = (
            name in self._requests.sent
            or name in self._requests.absent
            or (*name, saga.sequence) in self._requests.refused
        )
        waits = step.status is StepStatus.WAITING and step.name in self.setting.signals
        return waits and not gone

    def _send_or_not(self, saga: SagaRecord, step: StepRecord) -> bool:
        definition = self.environment.definitions.get_declared(saga)
        element, label = definition.elements[step.index], step.name
        limited = saga.deadline_at or (isinstance(element, Signal) and element.within)
        if limited and not saga.paused:
            where, process = f"where signal {label} is due", f"signal {label}"
            if self.environment.processes.meet_at(label, where, process, (NO_SIGNAL,)):
                self._requests.absent.add((saga.id, step.name))
                return True
        self._send(saga.id, step.name, saga.sequence)
        return True

    def _send(self, saga_id: str, name: str, sequence: int = -1) -> None:
        signal = SignalReceived(step=name, payload=self.setting.encode_signal(name))
        ended = self._send_request(f"the signal {name}", saga_id, signal, label=name)
        if ended == "accepted":
            self._requests.sent.add((saga_id, name))
        elif ended in (Conflict.code, NotFound.code):
            self._requests.refused.add((saga_id, name, sequence))

    def _send_early(self) -> None:
        for saga in self.environment.sagas.find_all():
            names = [step.name for step in self.environment.sagas.steps_of(saga)]
            for name in self.setting.signals:
                if name in names and (saga.id, name) not in self._requests.sent:
                    self._send(saga.id, name)

    def _resume(self) -> bool:
        """Resume paused sagas and their children; False if there are none."""
        sagas = {saga.id: saga for saga in self.environment.sagas.find_all()}
        paused = [saga.id for saga in sagas.values() if saga.paused and saga.parent_id not in sagas]
        for saga_id in paused:
            self._send_request("a resume", saga_id, _make(ResumeRequested))
        return bool(paused)

    def _deploy(self, deployed: Deployed) -> None:
        self.environment.definitions.deployed = deployed

    def _bring_back(self) -> bool:
        """Undo a deployment; an operator then retries the sagas that it stranded."""
        if self.environment.definitions.deployed is Deployed.DECLARED:
            return False
        self.environment.definitions.deployed = Deployed.DECLARED
        self._requests.refused.clear()
        self.environment.processes.log("the deployment is undone")
        self._requests.retried = False
        return True

    def _park(self) -> None:
        self._requests.retried = False
        self._send_to_roots("a park by hand", _make(ParkRequested))

    def _retry_parked(self) -> bool:
        if self._requests.retried or not self.setting.operators:
            return False
        self._requests.retried = True
        answers = self._retry()
        if UNANSWERED.intersection(answers):
            # A sender without an answer repeats the request. This ends, because each repetition
            # uses up one of the run's faults.
            self._requests.retried = False
        return bool(answers)

    def _retry(self) -> list[str]:
        request = _make(RetryRequested)
        return [
            self._send_request("a retry by hand", saga.id, request)
            for saga in self._find_incidents()
        ]

    def _repair(self, what: str, kind: type[SkipRequested] | type[VoidRequested]) -> None:
        """Skip or void the first failed step of each saga."""
        for saga in self.environment.sagas.find_all():
            broken = [
                step.name for step in self.environment.sagas.steps_of(saga) if step.status in BROKEN
            ]
            for name in broken[:1]:
                self._send_request(what, saga.id, _make(kind, step=name))

    def _resolve(self) -> None:
        for saga in self._find_incidents()[:1]:
            outcome = SagaStatus.ROLLED_BACK
            if saga.parked_in in FORWARD:
                outcome = SagaStatus.COMPLETED
            self._send_request(
                "a resolve by hand", saga.id, _make(ResolveRequested, outcome=outcome)
            )

    def _find_incidents(self) -> list[SagaRecord]:
        return [saga for saga in self.environment.sagas.find_all() if saga.incident]

    def _send_to_roots(self, name: str, request: SagaRequest) -> None:
        roots = [saga.id for saga in self.environment.sagas.find_all() if not saga.parent_id]
        for saga_id in roots:
            self._send_request(name, saga_id, request)

    def _send_request(
        self, name: str, saga_id: str, what: SagaRequest | SignalReceived, *, label: str = ""
    ) -> str:
        """Send a request to a saga once, even if it is refused or fails."""

        def apply() -> str:
            try:
                self.environment.engine.apply(saga_id, what)
            except REFUSED as refused:
                return refused.code
            return "accepted"

        return self.environment.perform(Process(name, label=label), apply)


def _may_take_signals(saga: SagaRecord) -> bool:
    return saga.status in ACTIVE or saga.parked_in in FORWARD


def _make(kind: type[T], **more: Any) -> T:
    return kind(actor="explore", reason="explored", **more)
