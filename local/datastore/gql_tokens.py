"""The words of a GQL query."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from local.rpc.errors import InvalidArgument

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<quoted>`(?:[^`\\]|``|\\.)+`)
    | (?P<string>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")
    | (?P<binding>@(?:\d+|[A-Za-z_$][\w$]*))
    | (?P<double>[+-]?(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?\d+[eE][+-]?\d+)
    | (?P<integer>[+-]?\d+)
    | (?P<word>[A-Za-z_$][\w$]*)
    | (?P<symbol><=|>=|!=|[<>=(),*.])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
#: More than any query needs, and few enough for a parser that recurs.
_MAX_DEPTH = 50
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


class Token(NamedTuple):
    """One word: its sort, its text without quotes, and where it begins."""

    sort: str
    text: str
    at: int

    def is_word(self, *words: str) -> bool:
        """Tell whether this is one of some key words, in any case."""
        return self.sort == "word" and self.text.upper() in words


def split_tokens(text: str) -> list[Token]:
    """Return the tokens of a query, the end last; InvalidArgument for what is none."""
    tokens = list(_scan(text))
    depth = 0
    for token in tokens:
        depth += (token.sort == "symbol") * ((token.text == "(") - (token.text == ")"))
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
        sort, found = match.lastgroup, match[match.lastgroup]
        if sort in ("quoted", "string"):
            found = _unquote(found)
        yield Token(sort, found, match.start(match.lastgroup))
        if sort == "end":
            return
        at = match.end()


def _unquote(text: str) -> str:
    mark, inside = text[0], text[1:-1]
    return re.sub(
        rf"\\(.)|{mark}{mark}",
        lambda match: _ESCAPES.get(match[1], match[1]) if match[1] else mark,
        inside,
        flags=re.DOTALL,
    )
