"""What ends a process or a run; the code under test cannot catch it."""


class Killed(BaseException):
    """The process was killed with -9: none of its code runs any more, not even its `except`."""


class InvariantViolated(BaseException):
    """A run has shown that a promise does not hold."""


class RunOver(InvariantViolated):
    """The run has ended, and with it a process that still stood at a point."""
