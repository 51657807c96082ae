"""Checks the size of a saga's steps in its record, and the length of its children's ids."""

from collections.abc import Iterator

from lib.saga.definition.element import SagaOutline

#: The bytes of a step in its saga's record, without its name, service and error.
STEP_SIZE = 500

#: The maximum bytes of the steps in a saga's record. The other steps of a long saga have entities
#: of their own, and the rest of the record's 64 KiB is for other data.
MAX_STEPS_SIZE = 40 * 1024

#: The maximum number of steps of a saga.
MAX_STEPS = 300

#: The maximum bytes of a step's name and service: 20 steps in flight have to fit into one record.
MAX_LABELS = 600

#: The maximum characters that children's names add to an id. An id has at most 1000; the rest is
#: for the id that a caller chooses.
MAX_CHILD_PATH = 800


def faults_of_size(saga: SagaOutline) -> Iterator[str]:
    """Yield what is too much for a saga, for its record, or for an id."""
    count = len(saga.elements)
    if count > MAX_STEPS:
        yield (
            f"it has {count} steps, and each delivery reads them all: the limit is {MAX_STEPS}. "
            "Move some of them into child sagas, and write a Child for each"
        )
    for element in saga.elements:
        size = len(element.name.encode()) + len(element.service.encode())
        if size > MAX_LABELS:
            yield (
                f"{element.name}: its name and service have {size} bytes; the limit is {MAX_LABELS}"
            )
    path = _longest_path(saga)
    if path > MAX_CHILD_PATH:
        yield (
            f"its children's names add up to {path} characters of a child's id, which has room "
            f"for {MAX_CHILD_PATH}: nest less deeply, or shorten the names"
        )


def _longest_path(saga: SagaOutline) -> int:
    children = [(each.name, each.child) for each in saga.elements if each.child]
    return max((len(name) + 4 + _longest_path(child) for name, child in children), default=0)
