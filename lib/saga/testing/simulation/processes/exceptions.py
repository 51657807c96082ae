"""Exceptions that end a process or a run; `except Exception` does not catch them."""


class Killed(BaseException):
    """The process was killed with -9: none of its code may run, not even an `except`."""


class InvariantViolated(BaseException):
    """A run has shown that an invariant does not hold."""


class RunOver(InvariantViolated):
    """The run has ended, and with it a process that still waited at a point."""
