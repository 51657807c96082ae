"""Python in a separate process, to see what an import does in a fresh one."""

import os
import subprocess
import sys

from local.stack.supervisor import PROJECT


def run_python(code: str) -> str:
    """Run code in the project's folder; return its output, raise if it fails.

    Coverage is not measured in it, because that would load other modules.
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
