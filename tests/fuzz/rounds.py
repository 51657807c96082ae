"""Rounds of strikes at a server, each drawn by hypothesis from a seed; a failure is shrunk."""

import logging
import threading
from random import Random
from typing import Any, Protocol, Self

import grpc
import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: What a request may be answered with. INTERNAL and UNKNOWN are how a fault of the server looks,
#: DEADLINE_EXCEEDED how one looks that hangs.
PROPER_CODES = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
}
#: Seconds after which a call counts as hanging; longer than any wait for a lock.
PATIENCE = 60.0


class Target(Protocol):
    """A server of this process, and a way to strike at it."""

    def strike(self, random: Random) -> None:
        """Do something random to the server; AssertionError if it does not take it well."""

    def close(self) -> None:
        """End the server."""


class Watch(logging.Handler):
    """Notices what a server would rather not tell: exceptions that it logs, threads that die."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an exception that was logged; of a task that is given up, say, there is none."""
        if record.exc_info or record.name == "asyncio":
            self._seen.append(logging.Formatter().format(record))

    def check(self) -> None:
        """AssertionError with what was seen since the last check, if anything was."""
        seen, self._seen = self._seen, []
        assert not seen, "\n".join(seen)

    def __enter__(self) -> Self:
        self._before = threading.excepthook
        threading.excepthook = lambda args: self._seen.append(f"a thread died: {args.exc_value!r}")
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        threading.excepthook = self._before


def run_round(target: Target, seed: int, strikes: int) -> None:
    """Strike so many times; AssertionError at the first strike that does harm."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=strikes,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(st.randoms(use_true_random=False))
    def strike(random: Random) -> None:
        with Watch() as watch:
            target.strike(random)
            watch.check()

    strike()


def call(channel: grpc.Channel, path: str, data: bytes) -> bytes | None:
    """Send raw bytes as a unary request; return the answer's, None if it is properly refused."""
    send: Any = channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
    try:
        answer: bytes = send(data, timeout=PATIENCE)
    except grpc.RpcError as error:
        refusal: Any = error
        assert refusal.code() in PROPER_CODES, f"{path}: {refusal.code()}: {refusal.details()}"
        return None
    return answer
