"""The list of mutants cannot rot: each names a line that is there exactly once."""

import re

import pytest

from tests.mutants.table import MUTANTS
from tests.mutants.trial import Mutant, check


def test_every_mutant_can_still_be_made() -> None:
    assert len(MUTANTS) >= 35
    for mutant in MUTANTS:
        check(mutant)


@pytest.mark.parametrize(("old", "count"), [("no such line", 0), ("import", 2)])
def test_a_mutant_whose_line_is_not_there_exactly_once_is_refused(old: str, count: int) -> None:
    with pytest.raises(ValueError, match=re.escape(f"has {count} times, and not once: {old}")):
        Mutant("lib/x.py", old, "").change("import a\nimport b\n")
