"""Captures what the code under test prints, and finds alerts in its log lines."""

import io
import json

from lib.saga.testing.simulation.environment import Environment

INSERT_ID = "logging.googleapis.com/insertId"


class AlertCapture(io.TextIOBase):
    """Standard output during a run. Each alert of a parked saga is one page, by its insert id."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def write(self, text: str) -> int:
        """Take a line, or a part of one; only an alert counts."""
        if '"saga-parked"' in text:
            line = json.loads(text)
            self._environment.state.history.pages.add((line[INSERT_ID], line["time"]))
        return len(text)
