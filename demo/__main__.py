"""`make demo`: real purchases as orders on a throw-away stack, and then the books.

With --chaos the worker and the callers' functions are killed in turn every few seconds, and one
task in twenty is delivered twice; the books must still balance.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from demo.replay import run
from local.stack import Stack

TASKS_TWICE = 0.05


def main() -> int:
    """Run the demo; 0 when every order is settled and the books balance."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--chaos", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amends-demo-") as folder:
        print("starting a stack of its own ...", flush=True)
        with Stack(data=Path(folder), port=0, duplicate=TASKS_TWICE * arguments.chaos) as stack:
            return run(stack, arguments.orders, chaos=arguments.chaos)


if __name__ == "__main__":
    sys.exit(main())
