"""Reading by key: up to 1000 keys of any kinds in one Lookup, the answers in the order asked."""

from collections.abc import Sequence
from typing import Any

from lib.datastore import limits
from lib.datastore.codecs import Codecs
from lib.datastore.fields import KEY
from lib.datastore.keys import Key, write_key
from lib.datastore.scopes import PRESENT, Scope
from lib.datastore.service import Service
from lib.errors import Invalid


def look_up(
    service: Service, codecs: Codecs, keys: Sequence[Key[Any]], scope: Scope = PRESENT
) -> list[Any]:
    """Return what each key leads to, None for what does not exist.

    Sends one Lookup for up to 1000 keys, more only for what the service defers.
    """
    if len(keys) == 1:
        _check_complete(keys[0])
        found = _fetch(service, [write_key(keys[0], codecs.partition)], scope, only_keys=False)
        return [codecs.for_key(keys[0]).read(found[0]) if found else None]
    results = fetch_many(service, codecs, keys, scope)
    return [
        None if result is None else codecs.for_key(key).read(result)
        for key, result in zip(keys, results, strict=True)
    ]


def fetch_many(
    service: Service,
    codecs: Codecs,
    keys: Sequence[Key[Any]],
    scope: Scope = PRESENT,
    *,
    only_keys: bool = False,
) -> list[Any]:
    """Return the EntityResult of each key, without properties if `only_keys`; None if missing."""
    identities = []
    wanted: dict[Any, Any] = {}
    for key in keys:
        _check_complete(key)
        pb = write_key(key, codecs.partition)
        identities.append(_identity(pb))
        wanted[identities[-1]] = pb
    messages = list(wanted.values())
    results: dict[Any, Any] = {}
    for start in range(0, len(messages), limits.LOOKUP_KEYS):
        chunk = messages[start : start + limits.LOOKUP_KEYS]
        for found in _fetch(service, chunk, scope, only_keys):
            results[_identity(found.entity.key)] = found
    return [results.get(identity) for identity in identities]


def _fetch(service: Service, keys: Sequence[Any], scope: Scope, only_keys: bool) -> list[Any]:
    """Look up messages of keys until none is deferred; return what was found, in any order."""
    found: list[Any] = []
    while keys:
        request = service.request("Lookup")
        request.keys.extend(keys)
        if only_keys:
            request.property_mask.paths.append(KEY)
        scope.mark(request)
        response = service.call("Lookup", request, codes=scope.codes)
        found.extend(response.found)
        keys = response.deferred
    return found


def _check_complete(key: Key[Any]) -> None:
    if not key.is_complete:
        raise Invalid(f"{key} is incomplete: it leads to nothing yet", field="key")


def _identity(pb: Any) -> Any:
    path = tuple((item.kind, item.id or item.name) for item in pb.path)
    return pb.partition_id.namespace_id, path
