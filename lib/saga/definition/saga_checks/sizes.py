"""How much of a saga's record its steps take, and how long its children's ids are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lib.saga.definition.steps import Child, Element

if TYPE_CHECKING:
    from lib.saga.definition.saga import Saga

#: What a step takes in its saga's record beside its name, its service and its error, in bytes.
STEP_SIZE = 500

#: What all steps of a saga take in its record, in bytes: the rest of 64 KiB is for all else.
MAX_STEPS_SIZE = 40 * 1024

#: Of the 1000 characters that an id has at most, those that a caller's own id leaves to children.
MAX_CHILD_PATH = 800


def faults_of_size(saga: "Saga") -> Iterator[str]:
    """Yield what does not fit into one record, or into one id."""
    size = sum(map(_size_of_step, saga.elements))
    if size > MAX_STEPS_SIZE:
        yield (
            f"its {len(saga.elements)} steps take {size} bytes of its record, which has room for "
            f"{MAX_STEPS_SIZE}: let a Child run some of them"
        )
    path = _longest_path(saga)
    if path > MAX_CHILD_PATH:
        yield (
            f"its children's names add up to {path} characters of a child's id, which has room "
            f"for {MAX_CHILD_PATH}: nest less deeply, or shorten the names"
        )


def _size_of_step(element: Element) -> int:
    child = len(element.name) + 8 if isinstance(element, Child) else 0
    return STEP_SIZE + len(element.name.encode()) + len(element.service.encode()) + child


def _longest_path(saga: "Saga") -> int:
    children = [each for each in saga.elements if isinstance(each, Child)]
    return max((len(each.name) + 4 + _longest_path(each.saga) for each in children), default=0)
