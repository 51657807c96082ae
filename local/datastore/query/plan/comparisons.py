"""One comparison of a filter: validates it, and encodes its values as indexes do."""

from typing import NamedTuple

from local.datastore.encoding.keys import Partition, encode_path, encode_prefix
from local.datastore.encoding.messages import PropertyFilter, Value
from local.datastore.encoding.partitions import get_partition
from local.datastore.encoding.validation import check_name
from local.datastore.encoding.value_checks import check_operand
from local.datastore.encoding.values import encode_value
from local.datastore.storage.indexes import KEY
from local.rpc.errors import InvalidArgument

#: The maximum number of disjunctions of a filter, and of values of a NOT_IN.
MAX_DISJUNCTS = 30
MAX_EXCLUDED = 10


class Predicate(NamedTuple):
    """One comparison: the operator's API name, and the encoded values."""

    name: str
    operator: str
    values: tuple[bytes, ...]


def expand_comparison(message: PropertyFilter, partition: Partition) -> list[list[Predicate]]:
    """Return the alternatives of one comparison; InvalidArgument if it is invalid.

    Writes the partition's project into a key that names none, in place.
    """
    name = message.property.name
    check_name(name, "property name", reserved=True)
    if message.op == 0 or message.op not in message.Operator.values():
        raise InvalidArgument("A property filter must have an operator.")
    operator = message.Operator.Name(message.op)
    if operator == "IN":
        values = _encode_list(message, partition, MAX_DISJUNCTS)
        return [[Predicate(name, "EQUAL", (one,))] for one in sorted(set(values))]
    if operator == "NOT_IN":
        return [[Predicate(name, operator, _encode_list(message, partition, MAX_EXCLUDED))]]
    if operator == "HAS_ANCESTOR":
        return [[Predicate(name, operator, (_encode_ancestor(name, message.value, partition),))]]
    return [[Predicate(name, operator, (_encode_operand(name, message.value, partition),))]]


def _encode_list(message: PropertyFilter, partition: Partition, limit: int) -> tuple[bytes, ...]:
    operator = message.Operator.Name(message.op)
    elements = message.value.array_value.values
    if message.value.WhichOneof("value_type") != "array_value" or not elements:
        raise InvalidArgument(f"{operator} needs a non-empty array.")
    if len(elements) > limit:
        raise InvalidArgument(f"{operator} takes at most {limit} values.")
    return tuple(_encode_operand(message.property.name, one, partition) for one in elements)


def _encode_operand(name: str, value: Value, partition: Partition) -> bytes:
    if name == KEY:
        _check_key(value, "A filter on __key__", partition)
        return encode_path(value.key_value.path)
    check_operand(name, value, partition[:2])
    encoded = encode_value(value)
    if encoded is None:
        raise LookupError(f"no index has such a value: {value}")
    return encoded


def _encode_ancestor(name: str, value: Value, partition: Partition) -> bytes:
    if name != KEY:
        raise InvalidArgument("HAS_ANCESTOR compares __key__ with a key.")
    _check_key(value, "HAS_ANCESTOR", partition)
    return encode_prefix(value.key_value.path)


def _check_key(value: Value, what: str, partition: Partition) -> None:
    """Refuse a value that is not a complete key in the queried partition."""
    if value.WhichOneof("value_type") != "key_value":
        raise InvalidArgument(f"{what} must have a key as its value.")
    check_operand(KEY, value, partition[:2])
    stated = get_partition(value.key_value)
    if stated != partition:
        differing = [
            f"{field} {mine!r} and the query of {theirs!r}"
            for field, mine, theirs in zip(partition._fields, stated, partition, strict=True)
            if mine != theirs
        ]
        raise InvalidArgument(f"{what} has a key of {', '.join(differing)}.")
