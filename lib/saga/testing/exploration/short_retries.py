"""A saga with fewer attempts for each step, so that pairs of faults take seconds, not minutes.

Two attempts are enough for a first and a last one: the engine treats all others alike, and single
faults explore what an action does in later attempts. If running out of attempts would park the
saga, three are kept, because two faults use up two.
"""

from dataclasses import replace

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.definition.steps import Parallel, Step

MAX_ATTEMPTS = 2
MAX_ATTEMPTS_BEFORE_PARKING = 3


def shorten_retries(saga: Saga) -> Saga:
    """Return the saga, and its children, with at most three attempts for each action."""
    policies = {
        element.name: _cut_retry(saga, index) for index, element in enumerate(saga.elements)
    }

    def shorten(element: Element) -> Element:
        if isinstance(element, Step):
            back = _cut(element.compensation_retry, MAX_ATTEMPTS_BEFORE_PARKING)
            return replace(element, retry=policies[element.name], compensation_retry=back)
        if isinstance(element, Child):
            return replace(element, saga=shorten_retries(element.saga))
        return element

    def shorten_all(element: Element | Parallel) -> Element | Parallel:
        if isinstance(element, Parallel):
            return Parallel(*map(shorten, element.elements))
        return shorten(element)

    return replace(saga, steps=tuple(map(shorten_all, saga.steps)))


def _cut_retry(saga: Saga, index: int) -> RetryPolicy:
    has_way_back = saga.kind_of(index) is StepKind.COMPENSATABLE
    return _cut(saga.retry_of(index), MAX_ATTEMPTS if has_way_back else MAX_ATTEMPTS_BEFORE_PARKING)


def _cut(policy: RetryPolicy, attempts: int) -> RetryPolicy:
    return replace(policy, attempts=min(policy.attempts, attempts))
