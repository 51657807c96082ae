"""Which data of a saga may be shown: all but what the types of its definition mark as `Secret`."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import msgspec

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.types.secret import WHOLLY_SECRET, separate
from lib.saga.state.records import SagaRecord, StepRecord
from lib.saga.state.redaction import Redactor, conceal
from lib.saga.state.values import PAYLOAD


class Privacy:
    """Keeps the secrets of a saga's payload, outputs and signals out of views and texts.

    Without a definition everything counts as secret. Secrets are also found by their value, where
    another output or an error repeats them.
    """

    def __init__(
        self, definition: Saga | None, saga: SagaRecord, steps: Iterable[StepRecord]
    ) -> None:
        self._payload_type = WHOLLY_SECRET if definition is None else definition.payload
        self._elements = (
            {} if definition is None else {each.name: each for each in definition.elements}
        )
        self._saga = saga
        self._steps = list(steps)

    def show_payload(self) -> Any:
        """Return the payload without secrets."""
        return conceal(msgspec.json.decode(self._saga.payload), self._payload_type)

    def show_input(self, step: StepRecord) -> Any:
        """Return a step's input without secrets; None if it has none."""
        if step.input is None:
            return None
        if step.input == PAYLOAD:
            return self.show_payload()
        element = self._elements.get(step.name)
        kind = element.saga.payload if isinstance(element, Child) else WHOLLY_SECRET
        return self._redactor.clean_value(conceal(msgspec.json.decode(step.input), kind))

    def show_output(self, step: StepRecord) -> Any:
        """Return a step's output without secrets; None if it has none."""
        if not step.output:
            return None
        output = msgspec.json.decode(step.output)
        shown = self._redactor.clean_value(conceal(output, self._type_of(step)))
        # An output without secrets is shown exactly as stored, with every digit of its numbers.
        return msgspec.Raw(step.output.encode()) if shown == output else shown

    def clean(self, text: str) -> str:
        """Return a text without secrets. Truncate the text afterwards, not before."""
        return self._redactor.clean_text(text) if text else text

    @cached_property
    def _redactor(self) -> Redactor:
        return Redactor(self._find_secrets())

    def _find_secrets(self) -> Iterator[Any]:
        yield from separate(msgspec.json.decode(self._saga.payload), self._payload_type).secrets
        for step in self._steps:
            for stored in filter(None, (step.output, step.signal)):
                yield from separate(msgspec.json.decode(stored), self._type_of(step)).secrets

    def _type_of(self, step: StepRecord) -> Any:
        found: Element | None = self._elements.get(step.name)
        return WHOLLY_SECRET if found is None else found.output_type
