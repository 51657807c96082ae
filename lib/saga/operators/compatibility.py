"""Finds unfinished sagas that the declared definitions cannot continue.

It compares the steps of a definition, and its types: a saga's stored values must fit them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lib.datastore import Query, Store
from lib.errors import Unreadable
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.engine.repository import SagaRepository
from lib.saga.state.mismatch import find_mismatch, mismatch_of
from lib.saga.state.records import UNFINISHED, SagaRecord, SagaStatus, StepRecord, StepStatus

#: The maximum number of sagas of a status that are read, if some of them may be stranded.
MAX_READ = 5000

#: The number of sagas that are read at a time.
BATCH = 50

WAITS = frozenset({StepStatus.PENDING, StepStatus.WAITING})

Declared = Mapping[tuple[str, int], Saga]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """Unfinished sagas of one status that do not fit the definitions declared here."""

    name: str
    version: int
    status: SagaStatus
    count: int
    reason: str


def find_stranded(store: Store, definitions: Declared) -> list[Stranded]:
    """Return the sagas that a deployment of these definitions would strand.

    Sagas are read only if counts show a difference. The queries need no composite index, because
    this runs before the first deployment has made one.
    """
    return [
        each
        for status in sorted(UNFINISHED)
        if _count_unknown(store, definitions, status)
        for each in _list_stranded(store, definitions, status)
    ]


def count_unknown_status(store: Store) -> int:
    """Return the number of sagas in a status that only a newer revision knows.

    This revision cannot read them, so it does not run them.
    """
    return store.count(Query(SagaRecord).where("status", "NOT_IN", list(SagaStatus)))


def _count_unknown(store: Store, definitions: Declared, status: SagaStatus) -> int:
    """Return the number of sagas of a status with none of the declared definitions and types."""
    of_status = Query(SagaRecord).where("status", "=", status)
    known = 0
    for saga in definitions.values():
        same = of_status.where("name", "=", saga.name)
        same = same.where("definition_version", "=", saga.version)
        same = same.where("fingerprint", "=", saga.fingerprint)
        known += store.count(same.where("types", "=", saga.types))
    return store.count(of_status) - known


def _list_stranded(store: Store, definitions: Declared, status: SagaStatus) -> list[Stranded]:
    found: Counter[tuple[str, int, str]] = Counter()
    for saga in _read(store, status):
        reason = _why(SagaRepository(store), definitions, saga)
        if reason:
            found[saga.name, saga.definition_version, reason] += 1
    return [
        Stranded(name=name, version=version, status=status, count=count, reason=reason)
        for (name, version, reason), count in sorted(found.items())
    ]


def _read(store: Store, status: SagaStatus) -> Iterator[SagaRecord]:
    """Yield the sagas of a status, up to MAX_READ; unreadable ones are only logged."""
    token: str | None = None
    for _ in range(MAX_READ // BATCH):
        page = store.page(Query(SagaRecord).where("status", "=", status), BATCH, token)
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _why(repository: SagaRepository, definitions: Declared, saga: SagaRecord) -> str:
    definition = definitions.get((saga.name, saga.definition_version))
    if definition is None:
        return "is not declared: keep the old version in domain/sagas.py next to the new one"
    if definition.fingerprint != saga.fingerprint:
        return "has other steps under the same version: give the new steps a new version"
    if definition.types == saga.types:
        return ""
    reason = _why_types(repository, definition, saga)
    return f"has other types under the same version: {reason}" if reason else ""


def _why_types(repository: SagaRepository, definition: Saga, saga: SagaRecord) -> str:
    """Return which stored values of a saga do not fit types that have changed since it began."""
    try:
        saga, steps = repository.fill(repository.load_steps(saga))
    except Unreadable as problem:
        return problem.detail
    mismatches = (
        _why_step(element, step)
        for element, step, need in zip(definition.elements, steps, definition.needs, strict=False)
        # Sagas that began before this check existed have not recorded their types.
        if saga.types and need not in ("", step.needs)
    )
    return find_mismatch(definition, saga, steps) or next(filter(None, mismatches), "")


def _why_step(element: Element, step: StepRecord) -> str:
    """Return why a step's expected signal, or its output, would not fit."""
    if isinstance(element, Signal):
        waits = step.status in WAITS and step.signal is None
        return f"signal {element.name} is still expected with its old type" if waits else ""
    mismatch = step.output and mismatch_of(step.output, element.output_type)
    return f"the stored output of {element.name} does not fit: {mismatch}" if mismatch else ""
