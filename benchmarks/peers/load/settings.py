"""What `make bench` asks of an engine's script, in its environment, and where its state goes."""

import os
from pathlib import Path

STATE = Path(os.environ.get("PEER_STATE", "/tmp/amends-peers"))  # noqa: S108  one's own machine
#: Seconds of each load, runs of all of them, and jobs in flight in the load of many at once.
SECONDS = float(os.environ.get("PEER_SECONDS", "3"))
RUNS = int(os.environ.get("PEER_RUNS", "2"))
IN_FLIGHT = int(os.environ.get("PEER_IN_FLIGHT", "32"))
#: Jobs in flight when the worker is killed.
CRASH_JOBS = int(os.environ.get("PEER_CRASH_JOBS", "200"))
