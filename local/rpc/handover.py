"""Lets a handler tell its connection that it may wait, so that another thread goes on reading."""

import threading
from collections.abc import Callable

_local = threading.local()


def about_to_block() -> None:
    """Let others read this thread's connection; call it before waiting or working for long.

    Harmless outside of a request, and when it was called before.
    """
    hand_over: Callable[[], None] | None = getattr(_local, "hand_over", None)
    if hand_over is not None:
        _local.hand_over = None
        hand_over()


def set_successor(hand_over: Callable[[], None] | None) -> None:
    """Have ``about_to_block`` call this once, until it is set to None: a request has ended."""
    _local.hand_over = hand_over
