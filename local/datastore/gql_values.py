"""The parts of GQL that stand for values: literals, keys, arrays, and the bindings of a request."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from local.datastore.gql_tokens import Token
from local.datastore.keys import Partition, set_partition
from local.datastore.messages import GqlQuery, Value
from local.rpc.errors import InvalidArgument

_CONSTANTS = ("TRUE", "FALSE", "NULL")
_CALLS = ("KEY", "ARRAY", "DATETIME", "BLOB")


class ValueReader:
    """Reads tokens one after another, and values in particular."""

    def __init__(self, tokens: Sequence[Token], gql: GqlQuery, partition: Partition) -> None:
        self._tokens = tokens
        self._at = 0
        self._gql = gql
        self._partition = partition

    def peek(self, ahead: int = 0) -> Token:
        """Return a token that is still to be read."""
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def next(self) -> Token:
        """Read one token."""
        token = self.peek()
        self._at += 1
        return token

    def fail(self, wanted: str, token: Token | None = None) -> InvalidArgument:
        """Return the error that something else was expected."""
        found = token or self.peek()
        text = found.text or "the end"
        return InvalidArgument(f"GQL: encountered {text} at column {found.at + 1}, not {wanted}.")

    def accept(self, *words: str) -> bool:
        """Read one of some key words, if it is next."""
        if not self.peek().is_word(*words):
            return False
        self._at += 1
        return True

    def expect(self, *words: str) -> str:
        """Read one of some key words and return it in capitals."""
        token = self.next()
        if not token.is_word(*words):
            raise self.fail(" or ".join(words), token)
        return token.text.upper()

    def accept_symbol(self, symbol: str) -> bool:
        """Read a symbol, if it is next."""
        if self.peek().sort != "symbol" or self.peek().text != symbol:
            return False
        self._at += 1
        return True

    def expect_symbol(self, symbol: str) -> None:
        """Read a symbol."""
        if not self.accept_symbol(symbol):
            raise self.fail(symbol)

    def expect_end(self) -> None:
        """Check that nothing is left."""
        if self.peek().sort != "end":
            raise self.fail("the end")

    def read_list(self, read: Callable[[], Any]) -> None:
        """Read one thing or several with commas between them."""
        read()
        while self.accept_symbol(","):
            read()

    def read_name(self) -> str:
        """Read the name of a kind or a property, which may be a path."""
        names = []
        while True:
            token = self.next()
            if token.sort not in ("word", "quoted"):
                raise self.fail("a name", token)
            names.append(token.text)
            if not self.accept_symbol("."):
                return ".".join(names)

    def read_count(self) -> int:
        """Read a limit or an offset."""
        value = self.read_value()
        if value.WhichOneof("value_type") != "integer_value":
            raise InvalidArgument("GQL: a limit or offset must be an integer or a cursor.")
        if not 0 <= value.integer_value < 2**31:
            raise InvalidArgument("GQL: a limit or offset is out of range.")
        return int(value.integer_value)

    def accept_cursor(self) -> bytes | None:
        """Read a binding that is a cursor, if that is next."""
        if self.peek().sort != "binding":
            return None
        parameter = self._find_binding(self.peek().text[1:])
        if parameter.WhichOneof("parameter_type") != "cursor":
            return None
        self._at += 1
        return bytes(parameter.cursor)

    def begins_value(self) -> bool:
        """Tell whether a value comes next, rather than a name."""
        token = self.peek()
        if token.is_word(*_CALLS):
            following = self.peek(1)
            return following.sort == "symbol" and following.text == "("
        return token.is_word(*_CONSTANTS) or token.sort in (
            "string",
            "integer",
            "double",
            "binding",
        )

    def make_null(self) -> Value:
        """Return the null value."""
        return Value(null_value=0)

    def read_value(self) -> Value:
        """Read a literal or a binding."""
        token = self.next()
        if token.sort == "binding":
            parameter = self._find_binding(token.text[1:])
            if parameter.WhichOneof("parameter_type") != "value":
                raise InvalidArgument(f"GQL: the binding {token.text} is not a value.")
            value: Value = parameter.value
            return value
        if not self._gql.allow_literals:
            raise InvalidArgument(f"Disallowed literal: {token.text}.")
        return self._read_literal(token)

    def _find_binding(self, name: str) -> Any:
        if name.isdigit():
            bindings = self._gql.positional_bindings
            if not 1 <= int(name) <= len(bindings):
                raise InvalidArgument(f"Absent positional binding: {name}.")
            return bindings[int(name) - 1]
        if name not in self._gql.named_bindings:
            raise InvalidArgument(f"Absent named binding: {name}.")
        return self._gql.named_bindings[name]

    def _read_literal(self, token: Token) -> Value:
        if token.sort == "string":
            return Value(string_value=token.text)
        if token.sort == "integer":
            number = int(token.text)
            if not -(2**63) <= number < 2**63:
                raise InvalidArgument(f"GQL: the integer is out of range: {token.text}.")
            return Value(integer_value=number)
        if token.sort == "double":
            return Value(double_value=float(token.text))
        if token.is_word("NULL"):
            return self.make_null()
        if token.is_word("TRUE", "FALSE"):
            return Value(boolean_value=token.is_word("TRUE"))
        if token.is_word(*_CALLS):
            return self._read_call(token.text.upper())
        raise self.fail("a value", token)

    def _read_call(self, word: str) -> Value:
        self.expect_symbol("(")
        value = Value()
        if word == "ARRAY":
            self.read_list(lambda: value.array_value.values.append(self.read_value()))
        elif word == "KEY":
            self._read_key(value.key_value)
        else:
            self._read_encoded(word, value)
        self.expect_symbol(")")
        return value

    def _read_encoded(self, word: str, value: Value) -> None:
        token = self.next()
        try:
            if word == "DATETIME":
                value.timestamp_value.FromDatetime(datetime.fromisoformat(token.text))
            else:
                padded = token.text + "=" * (-len(token.text) % 4)
                value.blob_value = base64.urlsafe_b64decode(padded)
        except (ValueError, binascii.Error) as error:
            raise InvalidArgument(f"GQL: not a {word}: {token.text}") from error

    def _read_key(self, key: Any) -> None:
        project, namespace = self._partition.project, self._partition.namespace
        while self.peek().is_word("PROJECT", "NAMESPACE") and self.peek(1).text == "(":
            word = self.next().text.upper()
            self.expect_symbol("(")
            text = self.next().text
            project, namespace = (text, namespace) if word == "PROJECT" else (project, text)
            self.expect_symbol(")")
            self.expect_symbol(",")
        set_partition(key, Partition(project, self._partition.database, namespace))
        self.read_list(lambda: self._read_element(key))

    def _read_element(self, key: Any) -> None:
        kind = self.read_name() if self.peek().sort != "string" else self.next().text
        self.expect_symbol(",")
        token = self.next()
        if token.sort == "integer" and abs(int(token.text)) < 2**63:
            key.path.add(kind=kind, id=int(token.text))
        elif token.sort == "string":
            key.path.add(kind=kind, name=token.text)
        else:
            raise self.fail("an id or a name", token)
