"""Reading by key: up to 1000 keys of any kinds in one Lookup, the answers in the order asked."""

from collections.abc import Sequence
from typing import Any

from lib.datastore import limits
from lib.datastore.codecs import Codecs
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
    for key in keys:
        if not key.is_complete:
            raise Invalid(f"{key} is incomplete: it leads to nothing yet", field="key")
    if len(keys) == 1:
        found = _fetch(service, [write_key(keys[0], codecs.partition)], scope)
        return [codecs.for_key(keys[0]).read(found[0]) if found else None]
    return _look_up_many(service, codecs, keys, scope)


def _look_up_many(
    service: Service, codecs: Codecs, keys: Sequence[Key[Any]], scope: Scope
) -> list[Any]:
    wanted = {_identity(pb): pb for pb in (write_key(key, codecs.partition) for key in keys)}
    messages = list(wanted.values())
    results: dict[Any, Any] = {}
    for start in range(0, len(messages), limits.LOOKUP_KEYS):
        for found in _fetch(service, messages[start : start + limits.LOOKUP_KEYS], scope):
            results[_identity(found.entity.key)] = found
    answers = []
    for key in keys:
        found = results.get(_identity(write_key(key, codecs.partition)))
        answers.append(None if found is None else codecs.for_key(key).read(found))
    return answers


def _fetch(service: Service, keys: Sequence[Any], scope: Scope) -> list[Any]:
    """Look up messages of keys until none is deferred; return what was found, in any order."""
    found: list[Any] = []
    while keys:
        request = service.request("Lookup")
        request.keys.extend(keys)
        scope.mark(request)
        response = service.call("Lookup", request, codes=scope.codes)
        found.extend(response.found)
        keys = response.deferred
    return found


def _identity(pb: Any) -> Any:
    path = tuple((item.kind, item.id or item.name) for item in pb.path)
    return pb.partition_id.namespace_id, path
