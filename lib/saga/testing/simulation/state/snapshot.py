"""The state of a run between two events, to continue from."""

from dataclasses import dataclass
from datetime import datetime

from lib.saga.testing.memory import entities, queue
from lib.saga.testing.simulation.state.deployment import Deployed
from lib.saga.testing.simulation.state.run_state import RunState


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that decides how a run continues. Do not change `state`."""

    now: datetime
    memory: entities.SavedEntities
    queue: queue.SavedQueue
    deployed: Deployed
    state: RunState

    @property
    def points(self) -> int:
        """The number of points that the run had reached."""
        return len(self.state.points)
