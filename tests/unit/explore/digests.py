"""What random schedules do, as digests: run as a module, it prints those of this process."""

import hashlib
import json
import random
from collections.abc import Iterable

from lib.saga.testing.exploration.explore import draw_faults
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.setting import Setting
from tests.unit.explore.generator import SagaGenerator, count_seats
from tests.unit.explore.seats import add_seats, seats_fit
from tests.unit.explore.test_random import CASES

#: The number of schedules of each case, and of random sagas.
SCHEDULES = 3


def make_explorer(what: str) -> Explorer:
    """Return a new explorer of a case, or of the saga that is drawn for a number."""
    if what in CASES:
        case = CASES[what]
        setting = Setting(
            saga=case.saga,
            payload=case.payload,
            prepare=case.prepare,
            operators=True,
            signals=case.signals,
            http=case.http,
        )
        return Explorer(setting, case.invariant)
    generator = SagaGenerator(what)
    saga = generator.draw()
    setting = Setting(
        saga=saga, payload={}, prepare=add_seats, operators=True, signals=generator.signals
    )
    return Explorer(setting, seats_fit(count_seats(saga)))


def digest(explorer: Explorer, broken: str) -> str:
    """Return a digest of everything that the last run did."""
    environment = explorer._simulation.environment.state
    history = environment.history
    seen = (broken, environment.report, environment.points, history.calls, sorted(history.pages))
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def run_all(explorer: Explorer, numbers: Iterable[int]) -> dict[int, str]:
    """Return the digests of some schedules, in the order in which they run."""
    return {
        number: digest(explorer, explorer.run(draw_faults(random.Random(f"4/{number}"))))
        for number in numbers
    }


def list_all() -> list[str]:
    """Return all cases, and the numbers of drawn sagas."""
    return [*CASES, *map(str, range(SCHEDULES))]


if __name__ == "__main__":
    print(json.dumps({each: run_all(make_explorer(each), range(SCHEDULES)) for each in list_all()}))
