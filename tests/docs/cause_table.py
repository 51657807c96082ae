"""docs/causes.md: each code of the audit trail, and its sentence. `make verbs` writes it."""

from collections.abc import Iterable
from pathlib import Path

from lib.saga.machine.causes import Cause, Reason, sentence_of

FILE = Path(__file__).parents[2] / "docs" / "causes.md"

HEAD = """# Why a state changed: the codes

`make verbs` generates this page; a test fails when it is out of date. Each event in `get-saga` has
a `cause`, which is one of these codes and never changes its meaning, and a `sentence`, whose words
may change. Count and alert on the code. In events of older versions the `cause` is the sentence.
"""

REASONS = """
Amends also stores its own errors and reasons as codes, some with a detail after a colon, such as
`definition_undeclared: order version 2`, and shows them as sentences. The codes are those above and
these:
"""


def render() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *_table(Cause), REASONS, *_table(Reason)]) + "\n"


def _table(codes: Iterable[str]) -> list[str]:
    return ["| code | sentence |", "|---|---|", *(f"| `{c}` | {sentence_of(c)} |" for c in codes)]


if __name__ == "__main__":
    FILE.write_text(render())
