"""The table of GQL texts with their verdicts: ``gql_cases.tsv``, and what a line cannot show."""

from pathlib import Path
from typing import NamedTuple

from tests.contract.gql_wire import REFUSED

_TABLE = Path(__file__).with_suffix(".tsv")
_PICTURES = {0x2400 + code: code for code in range(32)} | {0x2421: 127}

WITHOUT_LITERALS = "without literals"
AGGREGATIONS = "aggregations"
_TERMS = " AND ".join(f"p{n} = 1" for n in range(101))


class GqlCase(NamedTuple):
    """A text, and what Google's parser makes of it."""

    text: str
    verdict: str


#: What a table cannot show: characters that cannot be seen, and texts that are too long.
_UNSEEN = [
    GqlCase("", REFUSED),
    GqlCase("SELECT\u00a0* FROM K", REFUSED),
    GqlCase("\ufeffSELECT * FROM K", REFUSED),
    GqlCase("SELECT * FROM K WHERE p\u0085 = 1", "from K; where p\x85 EQUAL 1"),
    GqlCase("SELECT * FROM K WHERE p = 'a\u2028b'", "from K; where p EQUAL 'a\\u2028b'"),
    GqlCase(f"SELECT * FROM K WHERE p = '{'x' * 1501}'", REFUSED),
    GqlCase(f"SELECT * FROM K WHERE {'(' * 60}p = 1{')' * 60}", "from K; where p EQUAL 1"),
    GqlCase(f"SELECT * FROM K WHERE {_TERMS}", REFUSED),
]


def load_cases() -> dict[str, list[GqlCase]]:
    """Return the cases by the titles of their sections."""
    sections: dict[str, list[GqlCase]] = {"what cannot be seen": _UNSEEN}
    cases = _UNSEEN
    for line in _TABLE.read_text().split("\n"):
        if line.startswith("## "):
            cases = sections.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            text, verdict = line.split("\t")
            cases.append(GqlCase(text.translate(_PICTURES), verdict.translate(_PICTURES)))
    return sections
