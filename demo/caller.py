"""An HTTP caller that retries while the service crashes and restarts."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import requests

T = TypeVar("T")

#: Statuses after which the caller retries; all requests of the demo are idempotent.
PASSING = (500, 502, 503, 504)


class Caller:
    """Calls the functions of one stack, for at most `patience` seconds per call. Thread-safe."""

    def __init__(self, url: str, patience: float = 60.0) -> None:
        self._url = url
        self._patience = patience
        self._local = threading.local()

    def call(self, method: str, name: str, **options: Any) -> Any:
        """Call a function until it gives a final answer, and return its JSON.

        Raises HTTPError if the final answer is an error, and TimeoutError if none came in time.
        """
        ends = time.monotonic() + self._patience
        while True:
            answer = self._try(method, name, options)
            if answer is not None and _is_lasting(answer):
                answer.raise_for_status()
                return answer.json() if answer.content else None
            if time.monotonic() > ends:
                raise TimeoutError(f"{name} gave no final answer for {self._patience:g} s")
            time.sleep(0.1)

    def _try(self, method: str, name: str, options: dict[str, Any]) -> requests.Response | None:
        try:
            session = self._local.session
        except AttributeError:
            session = self._local.session = requests.Session()
        try:
            answer: requests.Response = session.request(
                method, f"{self._url}/{name}", timeout=30, **options
            )
        except requests.RequestException:  # a service may die at any byte of its answer
            return None
        return answer


def _is_lasting(answer: requests.Response) -> bool:
    """Tell whether an answer is complete and final; one cut off in its headers has no body."""
    is_whole = bool(answer.content) or answer.status_code == 204
    return is_whole and answer.status_code not in PASSING


def call_all(action: Callable[[T], object], items: Iterable[T], *, threads: int = 8) -> None:
    """Call an action for every item from several threads; raise the first error."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(action, items):
            pass
