"""A progress bar for a terminal, and for a log a line now and then."""

import sys

WIDTH = 40


def show_progress(done: int, of: int, what: str) -> None:
    """Draw the bar anew in its line; where nobody watches, draw it only when it is full."""
    if not sys.stdout.isatty() and done < of:
        return
    filled = WIDTH * done // max(of, 1)
    end = "\n" if done >= of else ""
    bar = "#" * filled + "." * (WIDTH - filled)
    print(f"\r[{bar}] {done}/{of} {what}", end=end, flush=True)
