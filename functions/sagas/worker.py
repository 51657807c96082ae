"""The targets of Cloud Tasks and Cloud Scheduler; nobody else may call them."""

import flask

from functions.edge import endpoint
from lib.observability.logs import annotate
from lib.saga.engine.engine import Engine
from lib.saga.engine.sweep.sweep import SweepResult, sweep
from lib.saga.state.delivery import Delivery
from lib.timing.clock import now

#: The threads of a sweep, which spends most of its time waiting for services.
SWEEPERS = 8


@endpoint("POST", invoker="tasks")
def run_saga_step(body: Delivery, engine: Engine, request: flask.Request) -> dict[str, str]:
    """Run one delivery: the target of Cloud Tasks."""
    annotate(saga=body.saga_id, phase=body.phase, step=body.step, attempt=body.attempt)
    result = engine.deliver(body, lost=_count_lost(request))
    annotate(result=result)
    return {"result": result}


def _count_lost(request: flask.Request) -> int:
    """Return how many dispatches of this task ended without an answer, or with a 5xx.

    TaskExecutionCount leaves out answers with a 5xx (see Cloud Tasks' guide to task handlers). A
    killed process gives such an answer, and so do we if an action ran but could not be recorded.
    """
    dispatched = _count_in(request, "X-CloudTasks-TaskRetryCount")
    return max(0, dispatched - _count_in(request, "X-CloudTasks-TaskExecutionCount"))


def _count_in(request: flask.Request, header: str) -> int:
    value = request.headers.get(header, "0")
    return int(value) if value.isdecimal() and len(value) < 10 else 0


@endpoint("POST", invoker="scheduler")
def sweep_sagas(engine: Engine) -> SweepResult:
    """Redeliver overdue sagas, log missed alerts, purge: the target of Cloud Scheduler."""
    return sweep(engine, now, threads=SWEEPERS)
