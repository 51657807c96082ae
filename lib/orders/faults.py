"""Making a participant misbehave, for tests: only where AMENDS_ALLOW_FAULTS=1 says so."""

import time
from dataclasses import dataclass, replace

from lib.config import config
from lib.datastore import Id, Transaction, Version, entity, key
from lib.saga.call import Call


@entity
@dataclass(slots=True, kw_only=True)
class Fault:
    """How a participant is to treat the next calls: by its name, or `name:saga id` for one saga."""

    id: Id[str]
    fail_times: int = 0
    time_out_times: int = 0
    #: How long a call that is to time out takes, in seconds.
    sleep_seconds: float = 0.0
    version: Version = 0


class Misbehaved(Exception):
    """A participant failed as it was told to."""


def strike(service: str, call: Call) -> None:
    """Fail or dawdle if the service was told to; called at the start of every participant."""
    if not config().allow_faults:
        return
    for name in (f"{service}:{call.saga_id}", service):
        fault = call.store.transact(lambda tx, name=name: _take(tx, name))
        if fault is not None and fault.fail_times > 0:
            raise Misbehaved(f"{service} was told to fail")
        if fault is not None and fault.time_out_times > 0:
            time.sleep(fault.sleep_seconds)


def _take(tx: Transaction, name: str) -> Fault | None:
    """Return the fault before it is used up by one."""
    fault = tx.find(key(Fault, name))
    if fault is not None and fault.fail_times > 0:
        tx.update(replace(fault, fail_times=fault.fail_times - 1))
    elif fault is not None and fault.time_out_times > 0:
        tx.update(replace(fault, time_out_times=fault.time_out_times - 1))
    return fault
