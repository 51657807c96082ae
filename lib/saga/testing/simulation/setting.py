"""What runs, and under which circumstances; impossible settings are refused."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from lib.datastore import Store
from lib.errors import AmendsError
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.engine.engine import Engine
from lib.saga.state.payload import canonical_payload
from lib.saga.testing.memory.http_stand_in import HttpStandIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A saga, what is sent to it, and the other actors."""

    saga: Saga
    payload: Any
    prepare: Callable[[Store], object] | None = None
    period: timedelta = timedelta(minutes=1)
    operators: bool = False
    #: The payloads of the signals that are sent, by name.
    signals: Mapping[str, Any] = field(default_factory=dict)
    http: HttpStandIn | None = None
    may_park: bool = True
    make_engine: Callable[..., Engine] = Engine

    def check_signals(self) -> None:
        """Raise ValueError for a signal without a payload, and for a payload that does not fit."""
        awaited = {
            element.name: element
            for _, element in list_elements(self.saga)
            if isinstance(element, Signal)
        }
        for name in self.signals:
            if name not in awaited:
                raise ValueError(
                    f"signals has {name!r}, but saga {self.saga.name} has no such signal: "
                    f"it waits for {', '.join(awaited) or 'none'}"
                )
        for signal in awaited.values():
            self._check_signal(signal)

    def _check_signal(self, signal: Signal) -> None:
        name = signal.name
        if name not in self.signals:
            raise ValueError(
                f"saga {self.saga.name} waits for the signal {name!r}: pass its payload, "
                f"signals={{{name!r}: ...}}. A missing signal is explored too."
            )
        try:
            canonical_payload(self.signals[name], signal.payload)
        except AmendsError as problem:
            raise ValueError(f"the payload of signal {name!r}: {problem.detail}") from problem

    def encode_signal(self, name: str) -> str:
        """Return a signal's payload as a saga stores it."""
        return msgspec.json.encode(self.signals[name]).decode()


def list_elements(saga: Saga, prefix: str = "") -> Iterator[tuple[str, Element]]:
    """Yield all elements of a saga and of its children by label, `child/element` for a child's."""
    for element in saga.elements:
        yield f"{prefix}{element.name}", element
        if isinstance(element, Child):
            yield from list_elements(element.saga, f"{element.saga.name}/")
