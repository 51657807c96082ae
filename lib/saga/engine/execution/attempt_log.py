"""The log line of a failed attempt: it shows where a bug in a step is."""

from lib.config import config
from lib.observability.logs import log
from lib.observability.stack_traces import describe_stack, name_type
from lib.observability.unexpected import logged
from lib.saga.author_code.containment import Escaped
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.machine.inputs import FINAL, AttemptEnded, Result
from lib.saga.state.records import Loaded

#: Results that need no log line: nothing has failed.
SUCCESSES = frozenset({Result.DONE, Result.IN_PROGRESS})

#: Deliberate answers of a participant: the step has failed, but that is no error.
ANSWERS = frozenset({Result.PERMANENT, Result.NOT_HAPPENED})


@logged()
def log_attempt(
    definition: Saga, loaded: Loaded, outcome: AttemptEnded, problem: BaseException | None = None
) -> None:
    """Log a failed attempt as WARNING, or as ERROR if it was the last and not a deliberate "no".

    The line has the error's type and stack. The text may quote a payload: it is logged only if the
    configuration says so, as on a developer's machine, and then without secrets. Never raises: the
    outcome matters more than its log line.
    """
    if outcome.result in SUCCESSES:
        return
    last = _is_last(definition, loaded, outcome)
    answered = outcome.result in ANSWERS and outcome.phase is not Phase.COMPENSATE
    fields = {"text": outcome.error} if config().log_texts else {}
    log(
        "ERROR" if last and not answered else "WARNING",
        f"{'the last attempt' if last else 'an attempt'} of a step failed",
        saga=loaded.saga.id,
        name=loaded.saga.name,
        step=loaded.steps[outcome.step].name,
        phase=outcome.phase,
        attempt=outcome.attempt,
        result=outcome.result,
        error="" if problem is None else _name_type(problem),
        stack="" if problem is None else describe_stack(problem),
        **fields,
    )


def _name_type(problem: BaseException) -> str:
    """Return the type of the exception that was raised, not of the one that wraps it."""
    escaped = problem.__cause__ if isinstance(problem, Escaped) else None
    return name_type(escaped or problem)


def _is_last(definition: Saga, loaded: Loaded, outcome: AttemptEnded) -> bool:
    policy = definition.policy_of(outcome.step, outcome.phase)
    return outcome.result in FINAL or loaded.steps[outcome.step].tries >= policy.attempts
