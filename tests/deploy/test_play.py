"""`make play` where it cannot run. It is run by hand, because it takes minutes and gcloud."""

import os
import subprocess
import sys
from pathlib import Path

from local.stack.supervisor import PROJECT


def test_without_gcloud_nothing_is_played_and_a_message_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.deploy.play"],
        cwd=PROJECT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "gcloud, which is not installed here: nothing was played" in done.stdout
