"""Typed entities in Google Cloud Datastore: models, keys, writes, queries, transactions."""

from lib.datastore.keys import Key, key, key_from_url, key_of
from lib.datastore.mapping.entities import entity
from lib.datastore.mapping.values import GeoPoint
from lib.datastore.model.marks import (
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
from lib.datastore.read.aggregates import Avg, Count, Sum
from lib.datastore.read.conditions import Combination, all_of, any_of
from lib.datastore.read.explanation import Explanation
from lib.datastore.read.page_tokens import make_token as make_page_token
from lib.datastore.read.page_tokens import open_token as open_page_token
from lib.datastore.read.queries import Query
from lib.datastore.read.results import Page
from lib.datastore.read.time_order import marked_since
from lib.datastore.read.unreadable import Results, UnreadableEntity
from lib.datastore.rpc.connection import DatastoreConnection, Rpc, connect
from lib.datastore.store import Store
from lib.datastore.transaction.transaction import Transaction
from lib.datastore.write.batches import ItemResult, collect
from lib.datastore.write.mutations import Mutation, delete, insert, update, upsert
from lib.datastore.write.transforms import (
    Transform,
    append_missing,
    increment,
    maximum,
    minimum,
    remove_all,
    server_time,
)
from lib.timing.time_marks import SHARDS, shard_of, time_mark

__all__ = [
    "SHARDS",
    "UNSET_TIME",
    "Avg",
    "Combination",
    "Count",
    "CreatedAt",
    "DatastoreConnection",
    "Excluded",
    "Expires",
    "Explanation",
    "Flatten",
    "GeoPoint",
    "Id",
    "Indexed",
    "ItemResult",
    "Key",
    "Mutation",
    "OmitEmpty",
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
    "make_page_token",
    "marked_since",
    "maximum",
    "minimum",
    "open_page_token",
    "remove_all",
    "server_time",
    "shard_of",
    "time_mark",
    "update",
    "upsert",
]
