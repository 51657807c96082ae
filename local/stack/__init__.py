"""The whole system on one machine, each part a process of its own: start it, kill parts, end it."""

from local.stack.stack import Stack, StackFailed

__all__ = ["Stack", "StackFailed"]
