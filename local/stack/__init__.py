"""The whole system on one machine, each part in its own process: start it, kill parts, stop it."""

from local.stack.stack import Stack, StackFailed

__all__ = ["Stack", "StackFailed"]
