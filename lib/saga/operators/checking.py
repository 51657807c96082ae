"""Would this deployment strand a saga? The declared definitions against the unfinished sagas."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lib.datastore import Query, Store
from lib.saga.definition import Saga
from lib.saga.records import UNFINISHED, SagaRecord, SagaStatus

#: So many sagas of a status are looked at where some of them would be stranded.
MOST_READ = 5000

Declared = Mapping[tuple[str, int], Saga]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """Unfinished sagas of one status whose definition is not declared here as it was."""

    name: str
    version: int
    status: SagaStatus
    count: int
    reason: str


def find_stranded(store: Store, definitions: Declared) -> list[Stranded]:
    """Return what a deployment of these definitions would strand; at best it only counts.

    It needs no composite index, for it runs before the first deployment has made one.
    """
    return [
        each
        for status in sorted(UNFINISHED)
        if _count_unknown(store, definitions, status)
        for each in _list_stranded(store, definitions, status)
    ]


def _count_unknown(store: Store, definitions: Declared, status: SagaStatus) -> int:
    """Return how many sagas of a status have none of the declared definitions."""
    of_status = Query(SagaRecord).where("status", "=", status)
    known = 0
    for saga in definitions.values():
        same = of_status.where("name", "=", saga.name)
        same = same.where("definition_version", "=", saga.version)
        known += store.count(same.where("fingerprint", "=", saga.fingerprint))
    return store.count(of_status) - known


def _list_stranded(store: Store, definitions: Declared, status: SagaStatus) -> list[Stranded]:
    of_status = Query(SagaRecord).where("status", "=", status)
    found: Counter[tuple[str, int, str]] = Counter()
    for saga in store.run(of_status, limit=MOST_READ):
        reason = _why(definitions, saga)
        if reason:
            found[saga.name, saga.definition_version, reason] += 1
    return [
        Stranded(name=name, version=version, status=status, count=count, reason=reason)
        for (name, version, reason), count in sorted(found.items())
    ]


def _why(definitions: Declared, saga: SagaRecord) -> str:
    definition = definitions.get((saga.name, saga.definition_version))
    if definition is None:
        return "is not declared: keep the old version in lib/sagas.py beside the new one"
    if definition.fingerprint != saga.fingerprint:
        return "has other steps under the same version: give the new steps a new version"
    return ""
