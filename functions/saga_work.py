"""The machinery: the targets of Cloud Tasks and of Cloud Scheduler, and of nobody else."""

import flask

from lib.clients import now
from lib.http import endpoint
from lib.logs import annotate
from lib.saga.delivery import Delivery
from lib.saga.engine import Engine
from lib.saga.recovery import Swept, sweep


@endpoint("POST", guard="tasks_service_account")
def run_saga_step(body: Delivery, engine: Engine, request: flask.Request) -> dict[str, str]:
    """Run one delivery: the target of Cloud Tasks."""
    annotate(saga=body.saga_id, phase=body.phase, step=body.step, attempt=body.attempt)
    retries = request.headers.get("X-CloudTasks-TaskRetryCount", "0")
    result = engine.deliver(body, retries=int(retries) if retries.isdecimal() else 0)
    annotate(result=result)
    return {"result": result}


@endpoint("POST", guard="scheduler_service_account")
def sweep_sagas(engine: Engine) -> Swept:
    """Deliver overdue sagas again, log missed alerts, purge: the target of Cloud Scheduler."""
    return sweep(engine, now)
