"""The faults that make a difference at a point; others would only repeat a run."""

from lib.saga.testing.simulation.faults.kinds import (
    CANCEL,
    CRASH,
    DEPLOY,
    DEPLOY_TYPES,
    DUPLICATE,
    FREEZES,
    INTERLEAVINGS,
    LOST_FREEZES,
    PARK,
    PAUSE,
    RESOLVE,
    RESUME,
    RETRY,
    SIGNAL,
    SKIP,
    VOID,
    Fault,
)
from lib.saga.testing.simulation.processes.process import Process
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.state.deployment import Deployed, Deployment
from lib.saga.testing.simulation.state.stored_sagas import StoredSagas


class RelevantFaults:
    """Lists the faults that any process can have at a point; calls add their own."""

    def __init__(self, setting: Setting, sagas: StoredSagas, deployment: Deployment) -> None:
        self._setting = setting
        self._sagas = sagas
        self._deployment = deployment

    def of(self, process: Process) -> tuple[Fault, ...]:
        """Return the faults that make a difference at this point of a process.

        A crash does if something done since the last point would survive it. Overtaking does if
        anything was read or done.
        """
        faults: tuple[Fault, ...] = (CRASH,) if process.durable else ()
        if process.moved:
            faults += FREEZES
            faults += (DUPLICATE, *INTERLEAVINGS, *LOST_FREEZES) if process.task else ()
            faults += self._find_requests() if self._setting.operators else ()
            faults += (SIGNAL,) if self._setting.signals else ()
        return faults

    def _find_requests(self) -> tuple[Fault, ...]:
        """Return the requests and deployments that are possible now."""
        sagas = self._sagas.find_all()
        faults: tuple[Fault, ...] = (CANCEL, PAUSE, PARK)
        if any(saga.paused for saga in sagas):
            faults += (RESUME,)
        if any(saga.incident for saga in sagas):
            faults += (RETRY, SKIP, VOID, RESOLVE)
        if self._deployment.deployed is Deployed.DECLARED:
            faults += (DEPLOY, DEPLOY_TYPES)
        return faults
