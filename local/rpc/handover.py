"""Lets a handler announce that it may block, so that another thread reads its connection."""

import threading
from collections.abc import Callable

_local = threading.local()


def about_to_block() -> None:
    """Let another thread read this thread's connection; call it before waiting or long work.

    It has no effect outside of a request, or when called again.
    """
    hand_over: Callable[[], None] | None = getattr(_local, "hand_over", None)
    if hand_over is not None:
        _local.hand_over = None
        hand_over()


def set_successor(hand_over: Callable[[], None] | None) -> None:
    """Set the function that ``about_to_block`` calls once; None when the request has ended."""
    _local.hand_over = hand_over
