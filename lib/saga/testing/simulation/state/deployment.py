"""The sagas deployed during a run: those declared, none, or the declared ones with other types."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType

from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal
from lib.saga.definition.table import Definitions
from lib.saga.state.records import SagaRecord


class Deployed(StrEnum):
    """What the last deployment contains."""

    DECLARED = "as declared"
    WITHDRAWN = "withdrawn"
    #: Payloads and signals have a type with another required field, under the same version.
    CHANGED = "with changed types"


@dataclass(frozen=True)
class _Changed:
    required_since_the_next_deployment: int


#: A payload type that no stored value fits. It is not a class, so that the checks accept functions
#: that are annotated with the payload's class: in effect, the deployment has changed that class.
ChangedType = NewType("ChangedType", _Changed)


class Deployment(Definitions):
    """The declared sagas after the last deployment."""

    def __init__(self, sagas: Iterable[Saga]) -> None:
        self.deployed = Deployed.DECLARED
        super().__init__(sagas)
        self._changed = {key: _change_types(saga) for key, saga in self._sagas.items()}

    def __getitem__(self, key: tuple[str, int]) -> Saga:
        """Return a deployed saga; raise KeyError for any other, or if it is withdrawn."""
        if self.deployed is Deployed.WITHDRAWN:
            raise KeyError(key)
        return (self._changed if self.deployed is Deployed.CHANGED else self._sagas)[key]

    def get_declared(self, saga: SagaRecord) -> Saga:
        """Return a saga's definition as declared, regardless of the deployment."""
        return self._sagas[saga.name, saga.definition_version]


def _change_types(saga: Saga) -> Saga:
    return replace(saga, payload=ChangedType, steps=tuple(map(_change_element, saga.steps)))


def _change_element(element: Element | Parallel) -> Element | Parallel:
    if isinstance(element, Parallel):
        return Parallel(*(_change_signal(each) for each in element.elements))
    return _change_signal(element)


def _change_signal(element: Element) -> Element:
    return replace(element, payload=ChangedType) if isinstance(element, Signal) else element
