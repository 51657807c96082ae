"""A queue's rate: a token bucket that slows down when the worker answers 429 or 503."""

_MIN_SLOW_DOWN_GAP = 1.0
_RECOVERY_PER_ANSWER = 1.0


class TokenBucket:
    """Hands out `rate` tokens a second, and up to `burst` of them at once.

    Times are epoch seconds given by the caller; the bucket has no clock of its own.
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
        """Tokens a second at present: the configured rate, or less while slowed down."""
        return self._rate

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def next_token_at(self, now: float) -> float:
        """Return when `take` can succeed next."""
        self._fill(now)
        return now + max(0.0, 1 - self._tokens) / self._rate

    def slow_down(self, now: float) -> None:
        """Halve the rate, at most once a second, and never below one a second."""
        if now < self._slowed_at + _MIN_SLOW_DOWN_GAP:
            return
        self._fill(now)
        self._slowed_at = now
        self._rate = max(self._rate / 2, min(self._limit, 1.0))
        self._tokens = min(self._tokens, max(1.0, self._rate))

    def speed_up(self) -> None:
        """Give back one token a second for one good answer, up to the configured rate."""
        self._rate = min(self._rate + _RECOVERY_PER_ANSWER, self._limit)

    def shift(self, seconds: float) -> None:
        """Go along with a clock that was set by so many seconds."""
        self._filled_at += seconds
        self._slowed_at += seconds

    def _fill(self, now: float) -> None:
        elapsed = max(0.0, now - self._filled_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        self._filled_at = now
