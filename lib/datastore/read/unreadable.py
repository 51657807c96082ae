"""Stored entities that do not fit their model: results name them, and each is logged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lib.errors import Unreadable
from lib.observability.logs import log

T = TypeVar("T")

#: The maximum number of one query's unreadable entities that the log names; the rest is counted.
MAX_LOGGED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableEntity:
    """Which entity could not be read, and why.

    `key` is in readable form: `TaskList('a')/Task(5)`. `property` is empty if no single property is
    wrong.
    """

    kind: str
    key: str
    property: str
    reason: str

    @classmethod
    def of(cls, problem: Unreadable) -> "UnreadableEntity":
        """Return the entity and the reason of an error."""
        return cls(
            kind=problem.kind,
            key=problem.key,
            property=problem.field or "",
            reason=problem.detail,
        )


class Results(list[T]):
    """A query's results: a list without the entities that are named in `unreadable`.

    The constructor logs a line for each of these, so that they are not overlooked.
    """

    __slots__ = ("unreadable",)

    def __init__(self, read: Iterable[T] = (), unreadable: Sequence[UnreadableEntity] = ()) -> None:
        super().__init__(read)
        self.unreadable = tuple(unreadable)
        for each in self.unreadable[:MAX_LOGGED]:
            _log(each.reason, key=each.key)
        if len(self.unreadable) > MAX_LOGGED:
            _log(f"{len(self.unreadable) - MAX_LOGGED} more entities of the query cannot be read")


def _log(reason: str, key: str = "") -> None:
    log("WARNING", "a stored entity cannot be read", alert="unreadable-entity",
        entity=key, error=reason)  # fmt: skip
