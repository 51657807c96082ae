"""Where a long saga stores its steps: those near open ones in its record, the others in pages.

A page is an entity of consecutive steps, none of them open. It never changes: if one of its steps
does, its steps return to the record, and the same commit deletes the page. So a reader that does
not find a page knows that the saga has changed. A page's name tells its steps and its commit.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from lib.saga.state.records import SagaRecord, StepRecord

#: The maximum number of steps of one page.
MAX_PAGE_STEPS = 100

#: The number of steps that stay in the record before and after each open one: the first that fits.
MARGINS = (25, 10, 3, 0)

#: Returns the size of steps, in bytes.
Measure = Callable[[Sequence[StepRecord]], int]


class Pages(NamedTuple):
    """The pages of a saga: the names of all, and which of them are new."""

    names: list[str]
    new: list[str]


def arrange(saga: SagaRecord, changed: Collection[int], measure: Measure, room: int) -> Pages:
    """Return the pages of a saga with all its steps, so that the other steps fit into `room` bytes.

    `changed` has the indexes of steps that differ from their page.
    """
    kept = [name for name in saga.step_pages if not any(each in span_of(name) for each in changed)]
    if measure(steps_outside(saga.steps, kept)) <= room:
        return Pages(kept, [])
    spans = {span_of(name): name for name in kept}
    wanted = _spans_to_page(saga, measure, room)
    names = [spans.get(span) or f"{span.start}-{span.stop}-{saga.sequence}" for span in wanted]
    return Pages(names, [name for name in names if name not in kept])


def span_of(name: str) -> range:
    """Return the indexes of the steps of a page."""
    start, stop, _ = name.split("-")
    return range(int(start), int(stop))


def steps_outside(steps: Sequence[StepRecord], names: Sequence[str]) -> list[StepRecord]:
    """Return the steps that are in none of the named pages."""
    paged = {index for name in names for index in span_of(name)}
    return [step for step in steps if step.index not in paged]


def _spans_to_page(saga: SagaRecord, measure: Measure, room: int) -> list[range]:
    """Return the steps that leave the record, in spans that rarely change."""
    centers = {saga.current_step, *(step.index for step in saga.steps if step.is_open)}
    for margin in MARGINS:
        near = {i for each in centers for i in range(each - margin, each + margin + 1)}
        # Half of the room is reserved for steps that return with a page.
        if 2 * measure([step for step in saga.steps if step.index in near]) <= room:
            break
    return list(_spans_outside(near, len(saga.steps)))


def _spans_outside(near: Collection[int], total: int) -> Iterator[range]:
    start = 0
    for index in range(total):
        if index in near:
            start = index + 1
        elif index + 1 in near or index + 1 == total or (index + 1) % MAX_PAGE_STEPS == 0:
            yield range(start, index + 1)
            start = index + 1
