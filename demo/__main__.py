"""`make demo`: places real purchases as orders on a temporary stack, and checks the books.

With --chaos it kills the worker and the callers' functions in turn every few seconds, and delivers
one task in twenty twice. With --chaining=inline the steps of an order run in the request that
places it. The books must still balance.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from demo.replay import run
from local.stack import Stack

TASKS_TWICE = 0.05


def main() -> int:
    """Run the demo; return 0 if every order is settled and the books balance."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--chaos", action="store_true")
    parser.add_argument("--chaining", choices=("tasks", "inline"), default="tasks")
    arguments = parser.parse_args()
    env = {"AMENDS_CHAINING": arguments.chaining}
    twice = TASKS_TWICE * arguments.chaos
    with tempfile.TemporaryDirectory(prefix="amends-demo-") as folder:
        print("starting a temporary stack ...", flush=True)
        with Stack(data=Path(folder), port=0, duplicate=twice, env=env) as stack:
            return run(stack, arguments.orders, chaos=arguments.chaos)


if __name__ == "__main__":
    sys.exit(main())
