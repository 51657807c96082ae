"""Reads the tokens of a query one after another."""

from collections.abc import Callable
from typing import Any

from local.datastore.gql.tokens import Token, split_tokens
from local.rpc.errors import InvalidArgument


class TokenReader:
    """The tokens of a query, and the current position."""

    def __init__(self, text: str) -> None:
        self._tokens = split_tokens(text)
        self._at = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a token ahead without reading it."""
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def next(self) -> Token:
        """Read one token."""
        token = self.peek()
        self._at += 1
        return token

    def fail(self, wanted: str, token: Token | None = None) -> InvalidArgument:
        """Return the error for an unexpected token."""
        found = token or self.peek()
        text = "the end" if found.sort == "end" else f'"{found.text}"'
        return InvalidArgument(f"GQL: encountered {text} at column {found.at + 1}, not {wanted}.")

    def accept(self, *words: str) -> str | None:
        """If one of the keywords is next, read and return it."""
        return self.next().text if self.peek().is_keyword(*words) else None

    def expect(self, *words: str) -> str:
        """Read and return one of the keywords; raise the error if none is next."""
        token = self.next()
        if not token.is_keyword(*words):
            raise self.fail(" or ".join(words), token)
        return token.text

    def accept_symbol(self, *symbols: str) -> str | None:
        """If one of the symbols is next, read and return it."""
        return self.next().text if self.peek().is_symbol(*symbols) else None

    def expect_symbol(self, symbol: str) -> None:
        """Read a symbol; raise the error if it is not next."""
        if not self.accept_symbol(symbol):
            raise self.fail(symbol)

    def expect_end(self) -> None:
        """Check that no tokens are left."""
        if self.peek().sort != "end":
            raise self.fail("the end")

    def calls(self, *functions: str) -> bool:
        """Tell whether a call is next: of one of the functions, or of any if none is given."""
        token = self.peek()
        return (
            token.sort == "name"
            and self.peek(1).is_symbol("(")
            and (not functions or token.text.upper() in functions)
        )

    def read_list(self, read: Callable[[], Any]) -> None:
        """Read one or more items separated by commas."""
        read()
        while self.accept_symbol(","):
            read()

    def read_name(self) -> str:
        """Read the name of a kind, or one part of a property's name."""
        token = self.next()
        if not token.is_name:
            raise self.fail("a name", token)
        return token.text

    def read_property(self, kind: str | None) -> str:
        """Read a property's name, which may be a path, without the kind that qualifies it."""
        names = [self.read_name()]
        while self.accept_symbol("."):
            names.append(self.read_name())
        qualified = len(names) > 1 and names[0] == kind
        return ".".join(names[1:] if qualified else names)

    def read_string(self) -> str:
        """Read a string literal."""
        token = self.next()
        if token.sort != "string":
            raise self.fail("a string", token)
        return token.text

    def find_kind(self) -> str | None:
        """Return the kind after FROM in the rest of the query, without reading it."""
        for token, following in zip(
            self._tokens[self._at :], self._tokens[self._at + 1 :], strict=False
        ):
            if token.is_keyword("FROM"):
                return following.text if following.is_name else None
        return None
