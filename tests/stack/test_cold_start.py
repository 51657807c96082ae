"""The benchmark of cold starts measures something; the values are not tested."""

from pathlib import Path

import pytest

from benchmarks.cold_start import make_cases, measure
from local.stack import Stack


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_each_case_starts_answers_and_takes_time(stack: Stack, tmp_path: Path) -> None:
    cases = make_cases(tmp_path)
    assert len(cases) == 4
    assert all(measure(case, stack.datastore_host) > 0 for case in cases.values())
