"""The list of mutants stays valid: each line must occur exactly once."""

import re

import pytest

from tests.mutants.table import MUTANTS
from tests.mutants.trial import Mutant, check, find_failure_without_mutant


@pytest.mark.parametrize(("old", "count"), [("no such line", 0), ("import", 2)])
def test_a_mutant_whose_line_does_not_occur_exactly_once_is_refused(old: str, count: int) -> None:
    with pytest.raises(ValueError, match=re.escape(f"has {count} times, and not once: {old}")):
        Mutant("lib/x.py", old, "").change("import a\nimport b\n")


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_each_mutants_line_occurs_exactly_once(mutant: Mutant) -> None:
    check(mutant)


def test_the_copy_has_everything_that_the_quick_tests_import() -> None:
    assert not find_failure_without_mutant("--collect-only")
