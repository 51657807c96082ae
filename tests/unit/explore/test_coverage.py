"""Every kind of fault is injected in some quick test."""

from collections import Counter
from datetime import timedelta

import pytest

from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.testing import Report, explore
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.faults.description import WORDS
from lib.saga.testing.simulation.faults.kinds import PAUSE, RESUME, FaultKind
from lib.saga.testing.simulation.setting import Setting
from tests.unit.explore import test_http
from tests.unit.explore.answers import NO
from tests.unit.explore.seats import add_seats, make_saga, seat, seats_fit

DAY = timedelta(days=1)


def explore_a_wait_and_a_failure() -> Report:
    steps = (seat("a", {"undo a": NO}), Signal("go", within=DAY), seat("b", {"b": NO}))
    saga = Saga("seats", payload=dict, steps=steps)
    signals = {"go": 1}
    return explore(saga, {}, seats_fit(2), prepare=add_seats, signals=signals, operators=True)


def explore_http_calls() -> Report:
    bank = test_http.make_bank()
    return explore(test_http.make_saga("a"), {}, lambda _: True, http=bank, pairs=False)


def resume_wherever_it_is_paused() -> Report:
    setting = Setting(
        saga=make_saga("ab"), payload={}, prepare=add_seats, operators=True, may_park=False
    )
    explorer = Explorer(setting, seats_fit(2))
    for paused, moment in explorer.run_schedule({}, remembers=True).extend():
        if PAUSE in paused.values():
            for both, later in explorer.run_schedule(paused, moment, remembers=True).extend():
                if RESUME in both.values():
                    explorer.run_schedule(both, later)
    return explorer.make_report()


def test_a_few_small_sagas_meet_every_kind_of_fault() -> None:
    met: Counter[str] = Counter()
    met.update(explore_a_wait_and_a_failure().faults)
    met.update(explore_http_calls().faults)
    met.update(resume_wherever_it_is_paused().faults)
    assert [kind for kind in FaultKind if not met[kind]] == []


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_of_fault_is_described(kind: FaultKind) -> None:
    assert kind in WORDS
