"""Splits a GQL query into tokens."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from local.rpc.errors import InvalidArgument

#: Names may contain every character beyond ASCII, also spaces such as U+00A0.
_NAME = r"[A-Za-z_$\x80-\U0010ffff][A-Za-z_$0-9\x80-\U0010ffff]*"
_TOKEN = re.compile(
    rf"""[ \t\r\n]*(?:
      (?P<quoted>`(?:[^`\\\n]|``|\\[\\0bnrtZ'"`%_])*`)
    | (?P<string>'(?:[^'\\\n]|''|\\[\\0bnrtZ'"`%_])*'|"(?:[^"\\\n]|""|\\[\\0bnrtZ'"`%_])*")
    | (?P<binding>@(?:[0-9]+|{_NAME}))
    | (?P<double>[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?[0-9]+[eE][+-]?[0-9]+)
    | (?P<integer>[+-]?[0-9]+)
    | (?P<name>{_NAME})
    | (?P<symbol><=|>=|!=|[<>=(),*.+])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
#: The reserved words, which a name must quote. (EXISTS is documented as one, but works as a name.)
_KEYWORD = re.compile(
    r"""
      AGGREGATE | ALL | ANCESTOR | AND | ANY | AS | ASC | AVG | BETWEEN | BINARY | BY | CHILD
    | CONTAINS | COUNT | COUNT_UP_TO | CURSOR | DESC | DESCENDANT | DISTINCT | DIV | FALSE | FROM
    | GROUP | HAS | HAVING | IN | IS | JOIN | LIKE | LIMIT | MOD | NOT | NULL | OFFSET | ON | OR
    | ORDER | OVER | PARENT | REGEXP | RLIKE | SELECT | SUBSET | SUM | SUPERSET | TRUE | WHERE | XOR
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
#: The parser is recursive, so its depth is limited.
_MAX_DEPTH = 200
#: As in MySQL, \% and \_ keep their backslash.
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"} | {
    character: "\\" + character for character in "%_"
}


class Token(NamedTuple):
    """One token: its kind, its value, and its position.

    The kinds are keyword (in capitals), name, quoted, string, integer, double, binding, symbol
    and end.
    """

    sort: str
    text: str
    at: int

    @property
    def is_name(self) -> bool:
        """Whether the token can name a kind or a property."""
        return self.sort in ("name", "quoted")

    def is_symbol(self, *symbols: str) -> bool:
        """Tell whether the token is one of the symbols."""
        return self.sort == "symbol" and self.text in symbols

    def is_keyword(self, *words: str) -> bool:
        """Tell whether the token is one of the keywords."""
        return self.sort == "keyword" and self.text in words


def split_tokens(text: str) -> list[Token]:
    """Return the tokens of a query, with the end as the last; InvalidArgument if it has others."""
    tokens = list(_scan(text))
    depth = 0
    for token in tokens:
        depth += token.is_symbol("(") - token.is_symbol(")")
        if depth > _MAX_DEPTH:
            raise InvalidArgument(f"GQL: more than {_MAX_DEPTH} parentheses are open.")
    return tokens


def _scan(text: str) -> Iterator[Token]:
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise InvalidArgument(
                f"GQL: nothing begins like this at column {at + 1}: {text[at : at + 20]}"
            )
        yield _build(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))
        if match.lastgroup == "end":
            return
        at = match.end()


def _build(sort: str, text: str, at: int) -> Token:
    if sort in ("quoted", "string"):
        return Token(sort, _unquote(text), at)
    if sort == "name" and _KEYWORD.fullmatch(text):
        return Token("keyword", text.upper(), at)
    return Token(sort, text, at)


def _unquote(text: str) -> str:
    mark, inside = text[0], text[1:-1]
    return re.sub(
        rf"\\(.)|{mark}{mark}",
        lambda match: _ESCAPES.get(match[1], match[1]) if match[1] else mark,
        inside,
    )
