"""Captures what the code under test prints, and finds alerts in its log lines."""

import io
import json

from lib.saga.testing.simulation.environment import Environment

INSERT_ID = "logging.googleapis.com/insertId"


class AlertCapture(io.TextIOBase):
    """Replaces standard output during a run, and counts one page for each alert's insert id."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def write(self, text: str) -> int:
        """Read a line, or a piece of one, and record it if it is an alert."""
        if '"saga-parked"' in text:
            line = json.loads(text)
            self._environment.state.history.pages.add((line[INSERT_ID], line["time"]))
        return len(text)
