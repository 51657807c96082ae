"""The table of all declared sagas, which domain/sagas.py constructs."""

from abc import ABCMeta
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lib.saga.definition.checks import DeclarationError, refuse
from lib.saga.definition.checks.error import describe
from lib.saga.definition.child import Child
from lib.saga.definition.saga import Saga


class _Table(ABCMeta):
    """Makes wrong arguments of a table of sagas raise an error with advice."""

    # A type checker sees the parameter itself.
    if not TYPE_CHECKING:

        def __call__(cls, *values: Any, **options: Any) -> Any:
            """Make a table; raise DeclarationError unless it gets one collection."""
            given = (*values, *options.values())
            if len(given) != 1 or options.keys() - {"sagas"} or not _is_collection(given[0]):
                shown = ", ".join(map(describe, given))
                raise DeclarationError(f"Definitions({shown}): write Definitions([A, B])")
            return super().__call__(*given)


class Definitions(Mapping[tuple[str, int], Saga], metaclass=_Table):
    """All declared sagas by (name, version), including child sagas.

    Raises DeclarationError with everything that is wrong with the table.
    """

    def __init__(self, sagas: Iterable[Saga]) -> None:
        self._sagas: dict[tuple[str, int], Saga] = {}
        listed = list(sagas)
        refuse("Definitions", _faults_of_table(listed))
        for saga in listed:
            self._add(saga)

    def _add(self, saga: Saga) -> None:
        if self._sagas.setdefault((saga.name, saga.version), saga) is not saga:
            raise DeclarationError(
                f"saga {saga.name}: version {saga.version} is declared twice: give "
                "the newer one a higher version, or another name"
            )
        for element in saga.elements:
            if isinstance(element, Child):
                self._add(element.saga)

    def __getitem__(self, key: tuple[str, int]) -> Saga:
        return self._sagas[key]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._sagas)

    def __len__(self) -> int:
        return len(self._sagas)

    def latest(self, name: str) -> Saga | None:
        """Return the newest declared version of a saga, which new sagas start with, or None."""
        versions = [saga for saga in self._sagas.values() if saga.name == name]
        return max(versions, key=lambda saga: saga.version, default=None)


def _is_collection(sagas: object) -> bool:
    # Iterating over a mapping would give only its keys.
    return isinstance(sagas, Iterable) and not isinstance(sagas, Saga | str | bytes | Mapping)


def _faults_of_table(listed: list[Any]) -> Iterator[str]:
    for number, each in enumerate(listed, 1):
        if isinstance(each, list | tuple | set | frozenset):
            yield f"entry {number} is a {type(each).__name__}: write *entry to list its items"
        elif not isinstance(each, Saga):
            yield f"entry {number} is {describe(each)}: write the Saga itself"
        elif any(each is other for other in listed[: number - 1]):
            yield f"entry {number} is saga {each.name} again: list it once"


def check_table(table: object) -> Definitions:
    """Return the table of sagas; raise DeclarationError if it is not one, but a list, say."""
    if not isinstance(table, Definitions):
        raise DeclarationError(
            f"the table of sagas is {describe(table)}: write DEFINITIONS = Definitions([...])"
        )
    return table
