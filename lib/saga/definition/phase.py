"""What a delivery does about its step."""

from enum import StrEnum


class Phase(StrEnum):
    """What a delivery does about its step."""

    #: Start it: what came before it has filled a commit.
    START = "start"
    #: Run it; of a step that waits: its time is up.
    EXECUTE = "execute"
    #: Compensate it.
    COMPENSATE = "compensate"
    #: Ask its participant whether it was executed.
    STATUS = "status"
    #: Its child saga has ended.
    CHILD = "child"
