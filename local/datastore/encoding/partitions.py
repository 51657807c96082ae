"""The project, database and namespace of requests, keys and key values."""

import re
from functools import lru_cache

from local.datastore.encoding.keys import Partition, set_partition
from local.datastore.encoding.messages import Key, Message
from local.datastore.encoding.validation import is_reserved
from local.rpc.errors import InvalidArgument

#: A project and one of its databases ("" is the default).
Database = tuple[str, str]

_PATTERNS = {
    "project": re.compile(r"(?:[a-z\d.-]{1,100}:)?[a-z\d][a-z\d-]{0,99}|__.*__", re.ASCII),
    "database": re.compile(r"[A-Za-z\d._-]{0,100}", re.ASCII),
    "namespace": re.compile(r"[A-Za-z\d._-]{0,100}", re.ASCII),
}


def get_database(request: Message) -> Database:
    """Return the (project, database) of a request; InvalidArgument if it is malformed."""
    if not request.project_id:
        raise InvalidArgument("The project id is the empty string.")
    if request.database_id == "(default)":
        raise InvalidArgument("The default database is named by the empty string.")
    _check_partition(Partition(request.project_id, request.database_id, ""))
    return request.project_id, request.database_id


def resolve_partition(key: Key, database: Database, *, writes: bool = True) -> Partition:
    """Return the partition of a request's key, and write it into the key in full.

    Raises InvalidArgument if the key has another project or database than the request, if the
    partition is malformed, or if the request ``writes`` to one that is reserved for the service.
    """
    given = key.partition_id
    stated = given.project_id, given.database_id
    if stated not in (database, ("", "")):
        raise InvalidArgument(
            f"mismatched databases within request: {'/'.join(database)} vs. {'/'.join(stated)}"
        )
    partition = Partition(*database, given.namespace_id)
    _check_partition(partition)
    if writes:
        _check_writable(partition)
    set_partition(key, partition)
    return partition


def complete_key(key: Key, database: Database) -> None:
    """Write the request's project and database into a key value that names no project.

    A key value may belong to any other valid partition.
    """
    given = key.partition_id
    if not given.project_id:
        given.project_id = database[0]
        given.database_id = given.database_id or database[1]
    _check_partition(get_partition(key))


def get_partition(key: Key) -> Partition:
    """Return the partition that is written in a key."""
    given = key.partition_id
    return Partition(given.project_id, given.database_id, given.namespace_id)


@lru_cache(maxsize=1024)
def _check_partition(partition: Partition) -> None:
    for what, text in partition._asdict().items():
        if not _PATTERNS[what].fullmatch(text):
            raise InvalidArgument(f'"{text}" is an invalid {what} id.')


@lru_cache(maxsize=1024)
def _check_writable(partition: Partition) -> None:
    for what, text in partition._asdict().items():
        if is_reserved(text):
            raise InvalidArgument(f'The {what} id "{text}" is reserved.')
