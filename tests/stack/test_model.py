"""The model of the protocol runs where spin is installed."""

import pytest

from model.checker import check, find_missing
from model.configurations import CONFIGURATIONS


@pytest.mark.parametrize("name", ["smallest", "unknown-certain"])
def test_the_smallest_configuration_and_a_twin_of_it_end_as_expected(name: str) -> None:
    if missing := find_missing():
        pytest.skip(f"no model is checked without these packages: {' '.join(missing)}")
    (chosen,) = (each for each in CONFIGURATIONS if each.name == name)
    report = check(chosen)
    assert not report.problem
    assert report.states
