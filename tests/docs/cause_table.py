"""docs/causes.md: each code of the audit trail, and its sentence. `make verbs` writes it."""

from collections.abc import Iterable
from pathlib import Path

from lib.saga.machine.causes import Cause, Reason, sentence_of

FILE = Path(__file__).parents[2] / "docs" / "causes.md"

HEAD = """# Why a state changed: the codes

Made by `make verbs`; a test fails when this page is stale. Each event of `get-saga` has a `cause`,
which is one of these codes and never changes its meaning, and a `sentence`, which may be reworded.
Count and alert on the code. An event that an older version wrote has its sentence as the `cause`.
"""

REASONS = """
An error or a reason of ours is stored as a code too, with a detail after a colon if there is one,
say `definition_undeclared: order version 2`, and shown as a sentence. It is one of the codes above
or of these:
"""


def render() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *_table(Cause), REASONS, *_table(Reason)]) + "\n"


def _table(codes: Iterable[str]) -> list[str]:
    return ["| code | sentence |", "|---|---|", *(f"| `{c}` | {sentence_of(c)} |" for c in codes)]


if __name__ == "__main__":
    FILE.write_text(render())
