"""Would this deployment strand a saga? The declared definitions against the unfinished sagas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.datastore import Query, Store
from lib.saga.definition import Saga
from lib.saga.records import UNFINISHED, SagaRecord, SagaStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """Unfinished sagas of one status whose definition is not declared here as it was."""

    name: str
    version: int
    status: SagaStatus
    count: int
    reason: str


def find_stranded(store: Store, definitions: Mapping[tuple[str, int], Saga]) -> list[Stranded]:
    """Return what a deployment of these definitions would strand.

    Reads one index entry for each unfinished saga, and none of the finished ones.
    """
    found = []
    for status in sorted(UNFINISHED):
        of_status = Query(SagaRecord).where("status", "=", status)
        for row in store.run(_versions_of(of_status), limit=1000):
            reason = _why(definitions, row["name"], row["definition_version"], row["fingerprint"])
            if reason:
                same = of_status.where("name", "=", row["name"])
                same = same.where("definition_version", "=", row["definition_version"])
                found.append(
                    Stranded(
                        name=row["name"],
                        version=row["definition_version"],
                        status=SagaStatus(status),
                        count=store.count(same.where("fingerprint", "=", row["fingerprint"])),
                        reason=reason,
                    )
                )
    return found


def _versions_of(sagas: Query[SagaRecord]) -> Query[dict[str, Any]]:
    return sagas.distinct("name", "definition_version", "fingerprint")


def _why(
    definitions: Mapping[tuple[str, int], Saga], name: str, version: int, fingerprint: str
) -> str:
    saga = definitions.get((name, version))
    if saga is None:
        return "is not declared: keep the old version in lib/sagas.py beside the new one"
    if saga.fingerprint != fingerprint:
        return "has other steps under the same version: give the new steps a new version"
    return ""
