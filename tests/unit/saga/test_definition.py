from datetime import timedelta

import pytest

from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.definition.table import Definitions
from tests.unit.saga.machine.build import THREE, act, step


def test_a_step_past_the_pivot_with_a_compensation_is_refused() -> None:
    with pytest.raises(ValueError, match="only goes forward"):
        Saga("x", payload=dict, steps=(step("a", undo=False, pivot=True), step("b")))


def test_two_pivots_are_refused() -> None:
    pivots = (step("a", undo=False, pivot=True), step("b", undo=False, pivot=True))
    with pytest.raises(ValueError, match="more than one pivot"):
        Saga("x", payload=dict, steps=pivots)


def test_two_steps_with_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Saga("x", payload=dict, steps=(step("a"), step("a")))


@pytest.mark.parametrize("seconds", [0, -1, 30 * 60])
def test_a_time_out_over_that_of_cloud_tasks_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="timeout"):
        Step("a", execute=act, timeout=timedelta(seconds=seconds))


def test_a_policy_that_never_runs_the_action_is_refused() -> None:
    with pytest.raises(ValueError, match="from 1 to 1000"):
        RetryPolicy(attempts=0)


def test_a_saga_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Definitions([THREE, Saga("three", payload=dict, steps=(step("z"),))])


def test_new_starts_take_the_latest_version() -> None:
    newer = Saga("three", payload=dict, steps=THREE.steps, version=2)
    assert Definitions([newer, THREE]).latest("three") is newer
    assert Definitions([THREE]).latest("four") is None


def test_policies_do_not_change_the_fingerprint_but_steps_do() -> None:
    patient = Saga(
        "three", payload=dict, steps=(step("a", retry=RetryPolicy(attempts=9)), *THREE.steps[1:])
    )
    fewer = Saga("three", payload=dict, steps=THREE.steps[:2])
    assert patient.fingerprint == THREE.fingerprint
    assert fewer.fingerprint != THREE.fingerprint
