"""Python in a process of its own, for what an import does to a process that has nothing yet."""

import os
import subprocess
import sys

from local.stack.supervisor import PROJECT


def run_python(code: str) -> str:
    """Run code in the project's folder; return what it prints, raise where it fails.

    Coverage is not measured in it: it would load modules of its own.
    """
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("COVERAGE")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
