"""The saga that the deployment tries new revisions with, before their traffic (deploy/smoke.py).

It touches nobody's data: two steps, each a task and a commit of its own, the first undoable.
"""

from typing import Any

from msgspec import Struct

from lib.saga.barrier import apply_once, undo_once
from lib.saga.call import Call
from lib.saga.definition import Saga
from lib.saga.steps import Step


class Probe(Struct, forbid_unknown_fields=True):
    """Nothing: the probe needs to know nothing."""


def leave_mark(_: Probe, call: Call) -> Any:
    """Record an effect, as a participant that keeps its data in Datastore does."""
    return apply_once(call, lambda _: "marked")


def remove_mark(_: Probe, call: Call) -> None:
    """Undo the effect of `leave_mark`."""
    undo_once(call, lambda _, __: None)


def report(_: Probe, call: Call) -> str:
    """Say that the saga has come this far."""
    return f"{call.saga_id} has come through"


DEPLOYMENT_PROBE = Saga(
    "deployment-probe",
    payload=Probe,
    steps=(
        Step("mark", execute=leave_mark, compensate=remove_mark),
        Step("report", execute=report),
    ),
)
