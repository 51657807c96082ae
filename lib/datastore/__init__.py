"""Typed entities in Google Cloud Datastore: models, keys, writes, queries, transactions."""

from lib.datastore.aggregates import Avg, Count, Sum
from lib.datastore.batches import Outcome, collect
from lib.datastore.conditions import all_of, any_of
from lib.datastore.connection import Connection, Rpc, connect
from lib.datastore.entities import entity
from lib.datastore.explaining import Explanation
from lib.datastore.keys import Key, key, key_from_url, key_of
from lib.datastore.marks import (
    UNSET_TIME,
    CreatedAt,
    Excluded,
    Expires,
    Flatten,
    Id,
    Indexed,
    OmitEmpty,
    Parent,
    Renamed,
    UpdatedAt,
    Version,
)
from lib.datastore.mutations import Mutation, delete, insert, update, upsert
from lib.datastore.queries import Query
from lib.datastore.results import Page
from lib.datastore.store import Store
from lib.datastore.transactions import Transaction
from lib.datastore.transforms import (
    Transform,
    append_missing,
    increment,
    maximum,
    minimum,
    remove_all,
    server_time,
)
from lib.datastore.unreadable import Results, UnreadableEntity
from lib.datastore.values import GeoPoint

__all__ = [
    "UNSET_TIME",
    "Avg",
    "Connection",
    "Count",
    "CreatedAt",
    "Excluded",
    "Expires",
    "Explanation",
    "Flatten",
    "GeoPoint",
    "Id",
    "Indexed",
    "Key",
    "Mutation",
    "OmitEmpty",
    "Outcome",
    "Page",
    "Parent",
    "Query",
    "Renamed",
    "Results",
    "Rpc",
    "Store",
    "Sum",
    "Transaction",
    "Transform",
    "UnreadableEntity",
    "UpdatedAt",
    "Version",
    "all_of",
    "any_of",
    "append_missing",
    "collect",
    "connect",
    "delete",
    "entity",
    "increment",
    "insert",
    "key",
    "key_from_url",
    "key_of",
    "maximum",
    "minimum",
    "remove_all",
    "server_time",
    "update",
    "upsert",
]
