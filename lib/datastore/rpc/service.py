"""Calls to the service: limited by the deadline, retried if safe, with the errors of lib.errors."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from lib.datastore.rpc.connection import Rpc
from lib.datastore.rpc.grpc_status import to_error
from lib.datastore.v1.messages import message
from lib.rpc.status import code_of
from lib.timing import deadline
from lib.timing.backoff import Backoff
from lib.timing.retry import retry

#: The time limit of one call; the caller's deadline may shorten it.
MAX_CALL = timedelta(seconds=60)
#: The statuses after which a read is retried: all transient ones, because it changes nothing.
READ_CODES = frozenset({"UNAVAILABLE", "ABORTED", "INTERNAL", "RESOURCE_EXHAUSTED"})
DEFAULT_BACKOFF = Backoff(cap=timedelta(seconds=2))


class Service:
    """The v1 service over one connection."""

    def __init__(
        self,
        rpc: Rpc,
        *,
        backoff: Backoff = DEFAULT_BACKOFF,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.rpc = rpc
        self.backoff = backoff
        self.sleep = sleep
        self.jitter = jitter

    def request(self, method: str) -> Any:
        """Make an empty request for a method, addressed to this project and database."""
        return message(f"{method}Request")(
            project_id=self.rpc.project, database_id=self.rpc.database
        )

    def call(
        self,
        method: str,
        request: Any,
        *,
        codes: frozenset[str] = READ_CODES,
        subject: str = "",
    ) -> Any:
        """Send a request, and retry if it fails with one of `codes`; raise one of lib.errors."""
        try:
            return retry(
                lambda: self.call_once(method, request),
                backoff=self.backoff,
                may_retry=lambda error: code_of(error) in codes,
                sleep=self.sleep,
                jitter=self.jitter,
            )
        except Exception as error:
            if not code_of(error):
                raise
            raise to_error(error, method, subject) from error

    def call_once(self, method: str, request: Any) -> Any:
        """Send a request once; raise grpc.RpcError, or DeadlineExceeded before anything is sent."""
        return self.rpc.call(method, request, deadline.bound_seconds(MAX_CALL.total_seconds()))
