"""The diagram of a saga's statuses matches the machine."""

import re

import pytest

from lib.saga.engine.engine import Engine
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import Input
from lib.saga.state.records import Loaded, SagaStatus, StepRecord
from tests.docs.pages import find_blocks
from tests.docs.verb_table import try_all
from tests.unit.saga.machine.build import Played
from tests.unit.saga.machine.scenes import SCENES

[PICTURE] = [
    block.code
    for block in find_blocks("docs/architecture.md")
    if block.code.startswith("stateDiagram")
]
ARROWS = set(re.findall(r"(\w+) --> (\w+)", PICTURE.replace("[*]", "end")))
TAKE, PREVIEW = Played._take, Engine.preview


def find_changes(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Return each change of a saga's status in the scenes, including those by a verb."""
    changes: set[tuple[str, str]] = set()

    def note(decision: Decision) -> Decision:
        of_saga = [event for event in decision.events if not event.step]
        changes.update((event.from_status, event.to_status) for event in of_saga)
        return decision

    def take(played: Played, decision: Decision, steps: list[StepRecord]) -> Decision:
        return TAKE(played, note(decision), steps)

    def preview(engine: Engine, saga_id: str, happened: Input) -> tuple[Loaded, Decision]:
        loaded, decision = PREVIEW(engine, saga_id, happened)
        return loaded, note(decision)

    monkeypatch.setattr(Played, "_take", take)
    monkeypatch.setattr(Engine, "preview", preview)
    for scene in SCENES:
        try_all(scene)
    statuses = {str(status) for status in SagaStatus}
    return {(a, b) for a, b in changes if a != b and {a, b} <= statuses}


def test_the_picture_has_every_change_of_a_sagas_status(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = find_changes(monkeypatch)
    assert len(changes) > 8
    to_failed = {(status, "FAILED") for status in ("PENDING", "RUNNING", "ROLLING_BACK")}
    assert changes - ARROWS - to_failed == set()


def test_the_picture_has_no_change_that_no_saga_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = {(a, b) for a, b in ARROWS if "end" not in (a, b)}
    assert drawn - find_changes(monkeypatch) == set()
