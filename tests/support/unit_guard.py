"""Keeps unit tests in this process: it refuses sockets and processes while one runs."""

from typing import Any

#: Audit events (https://docs.python.org/3/library/audit_events.html) and their sources.
REFUSED = {
    "subprocess.Popen": "starts a process",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.exec": "starts a process",
    "os.system": "starts a process",
    "socket.bind": "listens on a socket",
    "socket.connect": "connects a socket",
    "socket.getaddrinfo": "looks up a host",
}


class NotAUnitTest(AssertionError):
    """A test in tests/unit uses a socket or a process, so it belongs to another tier."""


class UnitGuard:
    """Raises NotAUnitTest at each refused event while a unit test runs.

    It also remembers them, because the code under test may catch what it raises.
    """

    def __init__(self) -> None:
        self.test: str | None = None
        self.refused: list[str] = []

    def audit(self, event: str, _arguments: tuple[Any, ...]) -> None:
        """Refuse an event: a hook for sys.addaudithook, which lasts as long as the interpreter."""
        if self.test is None or event not in REFUSED:
            return
        self.refused.append(
            f"{self.test} {REFUSED[event]} ({event}), so it is no unit test: move it to "
            "tests/contract (a server over its port), tests/http (functions behind their edge) or "
            "tests/stack (processes)"
        )
        raise NotAUnitTest(self.refused[-1])

    def check(self) -> None:
        """Raise NotAUnitTest if anything was refused since the last check."""
        refused, self.refused = self.refused, []
        if refused:
            raise NotAUnitTest(refused[0])
