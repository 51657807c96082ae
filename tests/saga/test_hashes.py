"""Schedules of the test kit are the same in each process, whatever the order of Python's sets."""

import json
import os
import subprocess
import sys

from tests.unit.explore import digests


def test_schedules_are_the_same_in_a_process_with_other_hashes() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.unit.explore.digests"],
        env={**os.environ, "PYTHONHASHSEED": "1105"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for what, digest_of in json.loads(printed).items():
        mine = digests.run_all(digests.make_explorer(what), range(digests.SCHEDULES))
        assert digest_of == {str(number): digest for number, digest in mine.items()}, what
