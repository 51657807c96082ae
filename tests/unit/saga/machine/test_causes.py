"""Stored causes are codes, and become sentences only where they are shown."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import lib.saga
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.machine.causes import SENTENCES, Cause, Reason, cause_of, explain, sentence_of
from lib.saga.machine.inputs import Result, TimerFired
from tests.unit.saga.machine.build import Played, step
from tests.unit.saga.machine.scenes import LATER, SCENES, Scene

CODE = re.compile(r"[a-z]+(_[a-z]+)*")
LIB = Path(lib.saga.__file__).parent


def test_codes_and_sentences_correspond() -> None:
    assert set(SENTENCES) == {*Cause, *Reason}
    assert len(set(SENTENCES.values())) == len(SENTENCES)


@pytest.mark.parametrize("code", [*Cause, *Reason])
def test_codes_and_sentences_have_a_plain_form(code: Cause | Reason) -> None:
    assert CODE.fullmatch(code)
    assert code == code.name.lower()
    sentence = SENTENCES[code]
    assert sentence[0].islower()
    assert sentence[-1] not in ".:"
    assert "by hand" not in sentence


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.title)
def test_every_cause_that_is_stored_is_in_the_table(scene: Scene) -> None:
    played = scene.make()
    causes = {each.partition(": ")[2] for each in played.events}
    assert causes <= set(Cause)
    assert played.saga.stopping in {"", *Cause}


def stored_texts() -> Iterator[tuple[str, str]]:
    """Yield each text constant of a cause, an error or a reason, and where it stands."""
    for path in [*(LIB / "machine").rglob("*.py"), *(LIB / "engine").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) != "log":
                for argument in node.keywords:
                    if argument.arg in ("cause", "error", "reason", "blocked", "parks"):
                        yield from texts_in(argument.value, f"{path.stem}:{node.lineno}")


def texts_in(value: ast.expr, where: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield where, node.value


def test_no_sentence_is_stored_as_a_cause_error_or_reason() -> None:
    sentences = [(where, text) for where, text in stored_texts() if " " in text.strip(": ")]
    assert sentences == []


def test_a_failure_without_a_message_is_stored_as_a_code_and_shown_as_a_sentence() -> None:
    played = Played(Saga("s", payload=dict, steps=(step("a"), Signal("go", within=LATER))))
    played.ends()
    due = played.awaited
    played.happens(TimerFired(step=1, attempt=due.attempt), after=2 * LATER)
    assert played.steps[1].error == "signal_timed_out"
    assert played.saga.error == "step go: signal_timed_out"
    assert explain(played.saga.error) == "step go: the signal was not received in time"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("deadline_passed", "the deadline has passed"),
        ("child_missing: order-1:ship", "a child saga is gone: order-1:ship"),
        ("unknown: dispatch_lost",
         "unknown: an earlier dispatch of this attempt ended without an answer"),
        ("step a: out_of_attempts; step b: no",
         "step a: the step is out of attempts; step b: no"),
        # Texts of authors, operators and earlier versions stay unchanged.
        ("cancelled", "cancelled"),
        ("the deadline has passed", "the deadline has passed"),
        ("KeyError: 'deadline_passed'", "KeyError: 'deadline_passed'"),
        ("no_such_code", "no_such_code"),
        ("", ""),
    ],
)  # fmt: skip
def test_only_codes_in_a_stored_reason_are_replaced_by_sentences(stored: str, shown: str) -> None:
    assert explain(stored) == shown


def test_a_cause_of_an_earlier_version_is_shown_as_stored() -> None:
    assert sentence_of("its participant says that it never happened").startswith("its participant")
    assert sentence_of(Cause.STEP_NOT_EXECUTED).startswith("the participant")
    assert cause_of("its parent saga is rolled back") == Cause.PARENT_ROLLED_BACK


def test_a_saga_that_an_earlier_version_was_stopping_rolls_back_with_a_code() -> None:
    played = Played()
    played.ends()
    played.saga.stopping = "step failed"
    played.ends(Result.PERMANENT, error="no")
    assert "saga: step_failed" in played.events
    assert "saga: step failed" not in played.events
