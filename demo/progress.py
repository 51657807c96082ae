"""A progress bar for a terminal, and single lines for a log."""

import sys

WIDTH = 40


def show_progress(done: int, of: int, what: str) -> None:
    """Redraw the bar in place; without a terminal, print it only when it is full."""
    if not sys.stdout.isatty() and done < of:
        return
    filled = WIDTH * done // max(of, 1)
    end = "\n" if done >= of else ""
    bar = "#" * filled + "." * (WIDTH - filled)
    print(f"\r[{bar}] {done}/{of} {what}", end=end, flush=True)
