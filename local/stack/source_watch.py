"""Watches source files while the stack runs, to restart functions and to reread indexes."""

import threading
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

#: The folders with the functions' code, beside main.py.
_FOLDERS = ("lib", "domain", "functions")

#: Seconds to wait for more changes: an editor saves in steps, a checkout changes many files.
_SETTLES_AFTER = 0.3

_CHANGES = frozenset({"created", "modified", "moved", "deleted"})


class SourceWatch(FileSystemEventHandler):
    """Calls a callback in its own thread, once for changes that come together.

    `source` is main.py. It calls `on_code` with the file that changed last, and `on_indexes` when
    index.yaml in main.py's folder has changed.
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
        """Start watching."""
        folder = self._source.parent
        self._observer.schedule(self, str(folder))
        for name in _FOLDERS:
            if (folder / name).is_dir():
                self._observer.schedule(self, str(folder / name), recursive=True)
        self._observer.start()

    def stop(self) -> None:
        """Stop watching."""
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Schedule the callback for a change; ignore reads and files that are not sources."""
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
