"""What a script says of its engine: how to start it, give it a job, kill its worker, and end it."""

from collections.abc import Mapping
from typing import Protocol


class Peer(Protocol):
    """An engine with its servers and its worker."""

    name: str

    def start(self) -> None:
        """Start the servers, with no data of before."""

    def start_worker(self, env: Mapping[str, str]) -> None:
        """Start what runs the steps, with these variables in its environment."""

    def run(self, order_id: str, *, fail: bool) -> str:
        """Run one job to its end: `done`, or `compensated`."""

    def submit(self, order_id: str) -> None:
        """Have one job accepted; do not wait for it."""

    def kill_worker(self) -> None:
        """Kill what runs the steps, with -9."""

    def revive_worker(self, env: Mapping[str, str]) -> None:
        """Have the worker started again after a kill."""

    def leaders(self) -> list[int]:
        """Return the groups of processes that belong to the engine."""

    def stop(self) -> None:
        """End everything that was started."""
