"""Unexpected errors, logged by type and stack, because their text may quote data."""

from collections.abc import Iterator
from contextlib import contextmanager

from lib.observability.logs import log
from lib.observability.stack_traces import describe_stack


def log_unexpected(problem: BaseException) -> None:
    """Log an unexpected error by type and stack."""
    log("ERROR", "unexpected error", error=type(problem).__name__, stack=describe_stack(problem))


@contextmanager
def logged() -> Iterator[None]:
    """Log any error inside, and continue, because what follows matters more."""
    try:
        yield
    except Exception as problem:  # a full disk, or a bug
        log_unexpected(problem)
