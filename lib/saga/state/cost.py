"""What a saga has cost: the operations that Datastore and Cloud Tasks bill."""

from dataclasses import dataclass
from typing import Annotated

from lib.datastore import OmitEmpty


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The numbers of operations: a commit writes entities, a lookup reads them.

    The commit that records the result of a delivery counts its task.
    """

    commits: Annotated[int, OmitEmpty] = 0
    writes: Annotated[int, OmitEmpty] = 0
    lookups: Annotated[int, OmitEmpty] = 0
    reads: Annotated[int, OmitEmpty] = 0
    tasks: Annotated[int, OmitEmpty] = 0

    def __add__(self, other: "Cost") -> "Cost":
        """Return the sum of both."""
        return Cost(
            commits=self.commits + other.commits,
            writes=self.writes + other.writes,
            lookups=self.lookups + other.lookups,
            reads=self.reads + other.reads,
            tasks=self.tasks + other.tasks,
        )


NOTHING = Cost()

#: One delivery of a queue.
ONE_TASK = Cost(tasks=1)


def lookup_of(entities: int) -> Cost:
    """Return the cost of one lookup of a number of entities."""
    return Cost(lookups=1, reads=entities)
