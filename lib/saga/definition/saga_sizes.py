"""How much a saga writes when it starts, and how long its children's ids are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lib.saga.definition.steps import Child

if TYPE_CHECKING:
    from lib.saga.definition.saga import Saga

#: The writes that Datastore takes in one commit.
MAX_WRITES = 500

#: What a parent writes in the commit that starts its child, with some room.
BESIDE_CHILD = 8

#: Of the 1000 characters that an id has at most, those that a caller's own id leaves to children.
MAX_CHILD_PATH = 800


def faults_of_size(saga: "Saga") -> Iterator[str]:
    """Yield what does not fit into one commit, or into one id."""
    born = _writes_of_birth(saga)
    if born > MAX_WRITES:
        yield (
            f"its {len(saga.parts)} steps are {born} writes when it starts, and one commit takes "
            f"{MAX_WRITES}: let a Child run some of them"
        )
    for part in saga.parts:
        if isinstance(part, Child) and _writes_of_birth(part.saga) + BESIDE_CHILD > MAX_WRITES:
            yield (
                f"child {part.name} has {len(part.saga.parts)} steps, and the commit that starts "
                f"it takes {MAX_WRITES - BESIDE_CHILD - 2}: let a Child of it run some of them"
            )
    path = _longest_path(saga)
    if path > MAX_CHILD_PATH:
        yield (
            f"its children's names add up to {path} characters of a child's id, which has room "
            f"for {MAX_CHILD_PATH}: nest less deeply, or shorten the names"
        )


def _writes_of_birth(saga: "Saga") -> int:
    """Return how many entities the commit writes that starts a saga: what follows can wait."""
    return 2 + len(saga.parts)


def _longest_path(saga: "Saga") -> int:
    children = [part for part in saga.parts if isinstance(part, Child)]
    return max((len(part.name) + 4 + _longest_path(part.saga) for part in children), default=0)
