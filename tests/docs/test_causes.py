"""docs/causes.md has every code that is stored."""

from tests.docs.cause_table import FILE, render


def test_the_page_of_causes_has_every_code_and_its_sentence() -> None:
    assert FILE.read_text() == render(), "stale: `make verbs` writes it"
