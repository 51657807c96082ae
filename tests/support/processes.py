"""Python in a process of its own, for what an import does to a process that has nothing yet."""

import subprocess
import sys

from local.stack.supervisor import PROJECT


def run_python(code: str) -> str:
    """Run code in the project's folder; return what it prints, raise where it fails."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
