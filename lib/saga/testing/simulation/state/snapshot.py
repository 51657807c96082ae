"""A run between two events, to go on from there again."""

from dataclasses import dataclass
from datetime import datetime

from lib.saga.testing.memory import entities, queue
from lib.saga.testing.simulation.state.deployment import Deployed
from lib.saga.testing.simulation.state.run_state import RunState


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that decides how a run goes on. `state` is a copy, and is not to be changed."""

    now: datetime
    memory: entities.SavedEntities
    queue: queue.SavedQueue
    deployed: Deployed
    state: RunState

    @property
    def points(self) -> int:
        """How many points the run had reached."""
        return len(self.state.points)
