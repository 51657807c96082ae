"""A queue's rate: a token bucket that slows down when the worker answers 429 or 503."""

_MIN_SLOW_DOWN_GAP = 1.0
_RECOVERY_PER_ANSWER = 1.0


class TokenBucket:
    """Gives out `rate` tokens per second, with bursts of up to `burst`.

    The caller passes the times, in epoch seconds; the bucket has no clock.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._limit = rate
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = now
        self._slowed_at = 0.0

    @property
    def rate(self) -> float:
        """The current tokens per second: the configured rate, or less while slowed down."""
        return self._rate

    def take(self, now: float) -> bool:
        """Take a token; return whether there was one."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def next_token_at(self, now: float) -> float:
        """Return the time of the next token."""
        self._fill(now)
        return now + max(0.0, 1 - self._tokens) / self._rate

    def slow_down(self, now: float) -> None:
        """Halve the rate, at most once per second, to no less than one token per second."""
        if now < self._slowed_at + _MIN_SLOW_DOWN_GAP:
            return
        self._fill(now)
        self._slowed_at = now
        self._rate = max(self._rate / 2, min(self._limit, 1.0))
        self._tokens = min(self._tokens, max(1.0, self._rate))

    def speed_up(self) -> None:
        """Raise the rate by one token per second, up to the configured rate."""
        self._rate = min(self._rate + _RECOVERY_PER_ANSWER, self._limit)

    def shift(self, seconds: float) -> None:
        """Adjust to a clock that was set by `seconds`."""
        self._filled_at += seconds
        self._slowed_at += seconds

    def _fill(self, now: float) -> None:
        elapsed = max(0.0, now - self._filled_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        self._filled_at = now
