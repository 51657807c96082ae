"""Which explored scripts `make test` skips: `LONG=1` runs all of them."""

import os
from collections.abc import Iterable

LONG = bool(os.environ.get("LONG"))


def choose(scripts: Iterable[str], *quick: str) -> list[str]:
    """Return the names of the scripts to run: the quick ones, or with LONG=1 all of them."""
    return list(scripts) if LONG else list(quick)
