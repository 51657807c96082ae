"""docs/verbs.md matches the machine: each cell is tried, and no state is missing."""

import pytest

from lib.saga.machine.waits import waits_of
from lib.saga.operators.bulk import Verb
from lib.saga.state.records import UNFINISHED, SagaStatus, StepStatus
from tests.docs.verb_table import COLUMNS, DOES, FILE, find_way_out, render, try_all
from tests.unit.saga.machine.scenes import SCENES, Scene

MADE = [scene.make() for scene in SCENES]
UNENDED = [scene for scene in SCENES if scene.make().saga.status in UNFINISHED]


def test_the_page_of_verbs_matches_the_machine() -> None:
    assert FILE.read_text() == render(), "stale: `make verbs` writes it"


def test_the_page_has_every_status_of_a_saga_and_of_a_step_and_every_verb() -> None:
    assert {played.saga.status for played in MADE} == set(SagaStatus)
    assert {step.status for played in MADE for step in played.steps} == set(StepStatus)
    assert set(COLUMNS) == {*Verb, "signal", "start again"}


@pytest.mark.parametrize("scene", UNENDED, ids=lambda scene: scene.title)
def test_every_unfinished_saga_can_be_ended_by_a_verb(scene: Scene) -> None:
    assert any(cell.mark == DOES for cell in try_all(scene))
    assert find_way_out(scene) == "ROLLED_BACK"


@pytest.mark.parametrize("scene", UNENDED, ids=lambda scene: scene.title)
def test_every_unfinished_saga_has_a_named_wait(scene: Scene) -> None:
    played = scene.make()
    assert waits_of(played.saga, played.steps)
    assert played.saga.due is not None
