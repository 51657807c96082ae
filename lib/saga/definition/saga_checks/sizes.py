"""Checks the size of a saga's steps in its record, and the length of its children's ids."""

from collections.abc import Iterator

from lib.saga.definition.element import Element, SagaOutline

#: The bytes of a step in its saga's record, without its name, service and error.
STEP_SIZE = 500

#: The maximum bytes of all steps in a saga's record. The rest of its 64 KiB is for other data.
MAX_STEPS_SIZE = 40 * 1024

#: The maximum characters that children's names add to an id. An id has at most 1000; the rest is
#: for the id that a caller chooses.
MAX_CHILD_PATH = 800


def faults_of_size(saga: SagaOutline) -> Iterator[str]:
    """Yield what does not fit into one record, or into one id."""
    size = sum(map(_size_of_step, saga.elements))
    if size > MAX_STEPS_SIZE:
        yield (
            f"its {len(saga.elements)} steps take {size} bytes of its record, which has room for "
            f"{MAX_STEPS_SIZE}: move some of them into a Child"
        )
    path = _longest_path(saga)
    if path > MAX_CHILD_PATH:
        yield (
            f"its children's names add up to {path} characters of a child's id, which has room "
            f"for {MAX_CHILD_PATH}: nest less deeply, or shorten the names"
        )


def _size_of_step(element: Element) -> int:
    child = len(element.name) + 8 if element.child else 0
    return STEP_SIZE + len(element.name.encode()) + len(element.service.encode()) + child


def _longest_path(saga: SagaOutline) -> int:
    children = [(each.name, each.child) for each in saga.elements if each.child]
    return max((len(name) + 4 + _longest_path(child) for name, child in children), default=0)
