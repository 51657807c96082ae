"""Lets two versions serve at the same time only if each knows every saga of the other."""

import json
from collections.abc import Iterator, Mapping

from deploy.cloud.client import Cloud
from deploy.cloud_run.api import find_revision
from deploy.cloud_run.services import DEFINITIONS as KNOWN
from deploy.cloud_run.services import WORKER
from deploy.cloud_run.traffic import Traffic
from deploy.settings import Settings, Unusable
from deploy.table import deployed_name

#: A definition's name and version, and the fingerprints of its steps and its types.
Known = Mapping[str, list[str]]


def describe_definitions() -> str:
    """Return the sagas that this version declares, as JSON for the worker's revision."""
    # Imported here, because most steps of the build run without the packages that lib imports.
    from domain.sagas import DEFINITIONS

    known = {
        f"{saga.name} version {saga.version}": [saga.fingerprint, saga.types]
        for saga in DEFINITIONS.values()
    }
    return json.dumps(known, sort_keys=True, separators=(",", ":"))


def check_canary(cloud: Cloud, settings: Settings, traffic: Mapping[str, Traffic]) -> None:
    """Raise Unusable if one version may start a saga that the other does not know.

    `python -m deploy.saga_check` checks sagas that already run.
    """
    worker = deployed_name(WORKER, settings)
    now = traffic[worker]
    if now.baseline is None or now.next is None:
        raise Unusable(
            "no revision serves that a canary could be compared with: release the first build "
            "completely"
        )
    served = _read(cloud, settings, worker, now.baseline)
    staged = _read(cloud, settings, worker, now.next)
    if reasons := list(_differences(served, staged)):
        raise Unusable(
            f"no traffic was moved, because a canary is impossible: {'; '.join(reasons)}. Release "
            "this build completely (leave out CANARY or _CANARY): then the worker goes first"
        )


def _read(cloud: Cloud, settings: Settings, worker: str, revision: str) -> Known:
    found = find_revision(cloud, settings, worker, revision)
    stated = found.get("annotations", {}).get(KNOWN)
    if not stated:
        raise Unusable(
            f"{revision} does not list its sagas, because an older build deployed it: "
            "release this build completely (leave out CANARY or _CANARY)"
        )
    known: Known = json.loads(stated)
    return known


def _differences(served: Known, staged: Known) -> Iterator[str]:
    for name in sorted(staged.keys() - served.keys()):
        yield f"the serving version does not know saga {name}, which this one may start"
    for name in sorted(served.keys() - staged.keys()):
        yield f"this version no longer knows saga {name}, which the serving one may start"
    for name in sorted(staged.keys() & served.keys()):
        (steps, types), (other_steps, other_types) = staged[name], served[name]
        if steps != other_steps:
            yield f"saga {name} has other steps under the same version"
        elif types != other_types:
            yield f"saga {name} has other types under the same version"
