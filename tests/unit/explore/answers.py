"""What a step of a test raises: for good, to be retried, or by a fault of its own."""

from lib.saga.definition.context import Permanent, Retry

NO, LATER, CRASHED = Permanent("no"), Retry("later"), RuntimeError("crashed")
