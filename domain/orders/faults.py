"""Faults that tests inject into participants, if AMENDS_ALLOW_FAULTS=1."""

import time
from dataclasses import dataclass, replace
from functools import partial

from lib.config import config
from lib.datastore import Id, Transaction, Version, entity, key
from lib.saga import StepContext


@entity
@dataclass(slots=True, kw_only=True)
class Fault:
    """How a participant treats its next calls; the id is `name`, or `name:saga id` for one saga."""

    id: Id[str]
    #: How many calls pass first, how many fail after that, and how many are slow after those.
    pass_times: int = 0
    fail_times: int = 0
    dawdle_times: int = 0
    dawdle_seconds: float = 0.0
    version: Version = 0


class InjectedFault(Exception):
    """A participant fails because a test injected a fault."""


def inject_fault(service: str, context: StepContext) -> None:
    """Fail or sleep if a Fault says so; every participant calls this first."""
    if not config().allow_faults:
        return
    for name in (f"{service}:{context.saga_id}", service):
        fault = context.store.transact(partial(_take_turn, name))
        if fault is None or fault.pass_times:
            continue
        if fault.fail_times:
            raise InjectedFault(f"{service} fails: a test injected this fault")
        if fault.dawdle_times:
            time.sleep(fault.dawdle_seconds)


def _take_turn(name: str, tx: Transaction) -> Fault | None:
    """Count one call of a fault down; return the fault as it was before."""
    fault = tx.find(key(Fault, name))
    if fault is not None and fault.pass_times:
        tx.update(replace(fault, pass_times=fault.pass_times - 1))
    elif fault is not None and fault.fail_times:
        tx.update(replace(fault, fail_times=fault.fail_times - 1))
    elif fault is not None and fault.dawdle_times:
        tx.update(replace(fault, dawdle_times=fault.dawdle_times - 1))
    return fault
