"""What a step of a test raises: permanently, to be retried, or unexpectedly."""

from lib.saga.definition.context import Permanent, Retry

NO, LATER, CRASHED = Permanent("no"), Retry("later"), RuntimeError("crashed")
