"""The pause between two tries to commit, when others commit to the same saga."""

import random
import time

#: The longest pause, in seconds, and the first one's upper end.
LONGEST = 0.5
FIRST = 0.01


def back_off(attempt: int) -> None:
    """Sleep after conflict number `attempt`, from 0: full jitter, capped."""
    time.sleep(random.random() * min(LONGEST, FIRST * 2.0**attempt))  # noqa: S311  no secret
