"""What a handler tells its connection before it may wait: that somebody else must go on reading."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_local = threading.local()


def about_to_block() -> None:
    """Let others read this thread's connection; call it before waiting or working for long.

    Harmless outside of a request, and when it was called before.
    """
    hand_over: Callable[[], None] | None = getattr(_local, "hand_over", None)
    if hand_over is not None:
        _local.hand_over = None
        hand_over()


@contextmanager
def handing_over(hand_over: Callable[[], None]) -> Iterator[None]:
    """Have ``about_to_block`` call this once, for as long as this thread handles a request."""
    _local.hand_over = hand_over
    try:
        yield
    finally:
        _local.hand_over = None
