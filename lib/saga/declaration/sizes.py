"""How much a saga writes at once, and how long its children's ids are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lib.saga.steps import Child, Part, Signal, Step

if TYPE_CHECKING:
    from lib.saga.definition import Saga

#: The writes that Datastore takes in one commit.
MOST_WRITES = 500

#: Of the 1000 characters that an id has at most, those that a caller's own id leaves to children.
LONGEST_PATH = 800


def faults_of_size(saga: "Saga") -> Iterator[str]:
    """Yield what does not fit into one commit, or into one id."""
    born = writes_of_birth(saga)
    if born > MOST_WRITES:
        yield (
            f"its {len(saga.parts)} steps are {born} writes when it starts, and one commit takes "
            f"{MOST_WRITES}: let a Child run some of them"
        )
        return
    for stage in saga.stages[1:]:
        writes = 3 + _writes_from(saga, stage.start)
        if writes > MOST_WRITES:
            names = ", ".join(saga.parts[index].name for index in stage)
            yield (
                f"what begins with {names} is {writes} writes, and one commit takes "
                f"{MOST_WRITES}: make the group, or its children, smaller"
            )
            break
    path = _longest_path(saga)
    if path > LONGEST_PATH:
        yield (
            f"its children's names add up to {path} characters of a child's id, which has room "
            f"for {LONGEST_PATH}: nest less deeply, or shorten the names"
        )


def writes_of_birth(saga: "Saga") -> int:
    """Return how many entities are written at most in the commit that starts a saga."""
    return 2 + len(saga.parts) + _events_from(saga, 0)


def _writes_from(saga: "Saga", first: int) -> int:
    """Return the writes of a commit in which the stage from `first` on begins."""
    return len(_begun_from(saga, first)) + _events_from(saga, first)


def _events_from(saga: "Saga", first: int) -> int:
    """Return the events, and all that children write, of parts that begin in one commit."""
    events = sum(map(_events_of, _begun_from(saga, first)))
    return events and events + 2


def _begun_from(saga: "Saga", first: int) -> list[Part]:
    """Return the parts that may begin in one commit: up to a stage that is waited for."""
    begun: list[Part] = []
    for stage in saga.stages:
        if stage.start >= first:
            parts = [saga.parts[index] for index in stage]
            begun += parts
            if not all(map(_may_pass, parts)):
                break
    return begun


def _may_pass(part: Part) -> bool:
    return part.when is not None or isinstance(part, Signal)


def _events_of(part: Part) -> int:
    if isinstance(part, Child):
        return 1 + writes_of_birth(part.saga)
    return 0 if isinstance(part, Step) and part.when is None else 1


def _longest_path(saga: "Saga") -> int:
    children = [part for part in saga.parts if isinstance(part, Child)]
    return max((len(part.name) + 4 + _longest_path(part.saga) for part in children), default=0)
