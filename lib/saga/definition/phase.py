"""The phases of a step."""

from enum import StrEnum


class Phase(StrEnum):
    """What a delivery does for its step."""

    #: Start the step: the commit before was too full to start it.
    START = "start"
    #: Run the step, or end its wait.
    EXECUTE = "execute"
    #: Compensate the step.
    COMPENSATE = "compensate"
    #: Ask the step's participant whether it was executed.
    STATUS = "status"
    #: Record that the step's child saga has ended.
    CHILD = "child"
