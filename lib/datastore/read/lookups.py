"""Reading by key: up to 1000 keys of any kinds in one Lookup, with the results in their order."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from lib.datastore.keys import Key, write_key
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read.fields import KEY
from lib.datastore.read.read_options import STRONG, ReadOptions
from lib.datastore.rpc.service import Service
from lib.datastore.v1 import limits
from lib.errors import Invalid, NotFound

T = TypeVar("T")


def look_up(
    service: Service, codecs: Codecs, keys: Sequence[Key[Any]], options: ReadOptions = STRONG
) -> list[Any]:
    """Return the entity of each key, None if it does not exist.

    Sends one Lookup for up to 1000 keys, and more only for keys that the service defers.
    """
    if len(keys) == 1:
        _check_complete(keys[0])
        pb = write_key(keys[0], codecs.partition)
        found = list(_fetch(service, [pb], options, only_keys=False))
        return [codecs.for_key(keys[0]).read(found[0]) if found else None]
    results = fetch_many(service, codecs, keys, options)
    return [
        None if result is None else codecs.for_key(key).read(result)
        for key, result in zip(keys, results, strict=True)
    ]


def require(key: Key[T], found: T | None) -> T:
    """Return the found entity; raise NotFound, naming kind and id, if it is None."""
    if found is None:
        raise NotFound(f"{key} does not exist")
    return found


def fetch_many(
    service: Service,
    codecs: Codecs,
    keys: Sequence[Key[Any]],
    options: ReadOptions = STRONG,
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
    results: dict[Any, Any] = {}
    for found in _fetch(service, list(wanted.values()), options, only_keys):
        results[_identity(found.entity.key)] = found
    return [results.get(identity) for identity in identities]


def _fetch(
    service: Service, keys: Sequence[Any], options: ReadOptions, only_keys: bool
) -> Iterator[Any]:
    """Look up keys until none is deferred; yield the entities found, in any order.

    All are read as of the time of the first answer. Otherwise related entities could be from two
    different times, and a version check on one of them would not notice.
    """
    as_of: Any = None
    for start in range(0, len(keys), limits.MAX_LOOKUP_KEYS):
        deferred = keys[start : start + limits.MAX_LOOKUP_KEYS]
        while deferred:
            request = service.request("Lookup")
            request.keys.extend(deferred)
            if only_keys:
                request.property_mask.paths.append(KEY)
            options.mark(request)
            if as_of is not None and request.read_options.WhichOneof("consistency_type") is None:
                request.read_options.read_time.CopyFrom(as_of)
            response = service.call("Lookup", request, codes=options.codes)
            if as_of is None and response.HasField("read_time"):
                as_of = response.read_time
            yield from response.found
            deferred = response.deferred


def _check_complete(key: Key[Any]) -> None:
    if not key.is_complete:
        raise Invalid(f"{key} is incomplete, so it has no entity yet", field="key")


def _identity(pb: Any) -> Any:
    path = tuple((item.kind, item.id or item.name) for item in pb.path)
    return pb.partition_id.namespace_id, path
