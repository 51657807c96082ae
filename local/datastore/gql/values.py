"""Parses the values in GQL: literals, keys, arrays and bindings."""

from typing import Any

from local.datastore.encoding.keys import Partition, set_partition
from local.datastore.encoding.messages import GqlQuery, Value
from local.datastore.gql.bindings import Bindings
from local.datastore.gql.literals import fill_timestamp, read_blob
from local.datastore.gql.reader import TokenReader
from local.datastore.gql.tokens import Token
from local.rpc.errors import InvalidArgument

#: The partition dimensions of a KEY, and the field of each.
_DIMENSIONS = {"PROJECT": "project", "DATABASE": "database", "NAMESPACE": "namespace"}


class ValueReader(TokenReader):
    """Parses values; ``partition`` is the default partition of keys."""

    def __init__(self, gql: GqlQuery, partition: Partition) -> None:
        super().__init__(gql.query_string)
        self.bindings = Bindings(gql)
        self._allow_literals = gql.allow_literals
        self._partition = partition

    def begins_value(self) -> bool:
        """Tell whether a value is next, not a name."""
        token = self.peek()
        return (
            token.sort in ("string", "integer", "double", "binding")
            or token.is_keyword("TRUE", "FALSE", "NULL")
            or self.calls()
        )

    def read_value(self) -> Value:
        """Parse a literal or a binding."""
        token = self.next()
        if token.sort != "binding":
            self._check_literal(token)
            return self._read_literal(token)
        parameter = self.bindings.find(token.text)
        if parameter.WhichOneof("parameter_type") != "value":
            raise InvalidArgument(f"GQL: the binding {token.text} is not a value.")
        value: Value = parameter.value
        return value

    def read_null(self) -> Value:
        """Parse NULL."""
        token = self.next()
        if not token.is_keyword("NULL"):
            raise self.fail("NULL", token)
        self._check_literal(token)
        return Value(null_value=0)

    def read_integer(self) -> int:
        """Parse an integer literal of at most 64 bits."""
        token = self.next()
        if token.sort != "integer":
            raise self.fail("an integer", token)
        self._check_literal(token)
        return _to_int64(token)

    def _check_literal(self, token: Token) -> None:
        if not self._allow_literals:
            raise InvalidArgument(f"Disallowed literal: {token.text}.")

    def _read_literal(self, token: Token) -> Value:
        if token.sort == "string":
            return Value(string_value=token.text)
        if token.sort == "integer":
            return Value(integer_value=_to_int64(token))
        if token.sort == "double":
            return Value(double_value=float(token.text))
        if token.is_keyword("NULL"):
            return Value(null_value=0)
        if token.is_keyword("TRUE", "FALSE"):
            return Value(boolean_value=token.text == "TRUE")
        if token.sort == "name":
            return self._read_call(token)
        raise self.fail("a value", token)

    def _read_call(self, token: Token) -> Value:
        read = {
            "ARRAY": self._read_array,
            "KEY": self._read_key,
            "BLOB": lambda: Value(blob_value=read_blob(self.read_string())),
            "DATETIME": self._read_datetime,
        }.get(token.text.upper())
        if read is None:
            raise self.fail("a value", token)
        self.expect_symbol("(")
        value = read()
        self.expect_symbol(")")
        return value

    def _read_array(self) -> Value:
        value = Value()
        self.read_list(lambda: value.array_value.values.append(self.read_value()))
        return value

    def _read_datetime(self) -> Value:
        value = Value()
        value.timestamp_value.SetInParent()
        fill_timestamp(value.timestamp_value, self.read_string())
        return value

    def _read_key(self) -> Value:
        value = Value()
        set_partition(value.key_value, self._read_partition())
        self.read_list(lambda: self._read_element(value.key_value))
        return value

    def _read_partition(self) -> Partition:
        given: dict[str, str] = {}
        while self.calls():
            dimension = _DIMENSIONS.get(self.peek().text.upper())
            if dimension is None:
                raise InvalidArgument(f'Unknown partition dimension "{self.peek().text}".')
            if dimension in given:
                raise InvalidArgument(f"A key may have at most one {dimension}.")
            if dimension == "project" and "namespace" in given:
                raise InvalidArgument("A key's project must precede its namespace.")
            self.next()
            self.expect_symbol("(")
            given[dimension] = self.read_string()
            self.expect_symbol(")")
            self.expect_symbol(",")
        if not given:
            return self._partition
        known = self._partition
        # A key with its own partition has the default namespace unless it names one.
        return Partition(
            given.get("project") or known.project,
            given.get("database") or known.database,
            given.get("namespace", ""),
        )

    def _read_element(self, key: Any) -> None:
        kind = self.read_name()
        self.expect_symbol(",")
        if self.peek().sort == "string":
            key.path.add(kind=kind, name=self.read_string())
        else:
            key.path.add(kind=kind, id=self.read_integer())


def _to_int64(token: Token) -> int:
    number = int(token.text) if len(token.text) < 32 else 2**63
    if not -(2**63) <= number < 2**63:
        raise InvalidArgument(f"GQL: the integer is out of range: {token.text}.")
    return number
