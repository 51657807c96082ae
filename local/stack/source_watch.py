"""What a developer changes while the stack runs: functions start again, indexes are read again."""

import threading
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

#: The rooms beside main.py that its functions are made of.
_ROOMS = ("lib", "domain", "functions")

#: An editor writes a file in several steps, and a checkout many files: so long is waited for more.
_SETTLES_AFTER = 0.3

_CHANGES = frozenset({"created", "modified", "moved", "deleted"})


class SourceWatch(FileSystemEventHandler):
    """Calls what deals with a change, in a thread of its own, once for all that comes together.

    `source` is main.py. `on_code` gets the file that was changed last; `on_indexes` is called when
    index.yaml beside it has changed.
    """

    def __init__(
        self, source: Path, on_code: Callable[[Path], None], on_indexes: Callable[[], None]
    ) -> None:
        self._source = source
        self._on_code, self._on_indexes = on_code, on_indexes
        self._lock = threading.Lock()
        self._timers: dict[str, threading.Timer] = {}
        self._observer = Observer()

    def start(self) -> None:
        """Begin to watch."""
        folder = self._source.parent
        self._observer.schedule(self, str(folder))
        for room in _ROOMS:
            if (folder / room).is_dir():
                self._observer.schedule(self, str(folder / room), recursive=True)
        self._observer.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note a change; what is only read, or is no source, is none."""
        path = Path(str(event.dest_path or event.src_path))
        if event.event_type not in _CHANGES or event.is_directory:
            return
        if path.suffix == ".py":
            self._schedule("code", lambda: self._on_code(path))
        elif path == self._source.parent / "index.yaml":
            self._schedule("indexes", self._on_indexes)

    def _schedule(self, what: str, act: Callable[[], None]) -> None:
        with self._lock:
            if what in self._timers:
                self._timers[what].cancel()
            timer = self._timers[what] = threading.Timer(_SETTLES_AFTER, act)
            timer.daemon = True
            timer.start()
