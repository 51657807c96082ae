"""A short run of the fuzzer; `make fuzz` runs for minutes."""

from pathlib import Path

import pytest

from tests.fuzz.__main__ import TARGETS
from tests.fuzz.rounds import run_round

CASES = {"raw": 300, "datastore": 500, "tasks": 100}


@pytest.mark.parametrize("name", TARGETS)
def test_malformed_input_does_no_harm(name: str, tmp_path: Path) -> None:
    target = TARGETS[name](tmp_path)
    run_round(target, seed=5, cases=CASES[name])
    target.close()
