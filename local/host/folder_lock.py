"""One owner a folder: a lock that the operating system gives back when its holder dies."""

import fcntl
from pathlib import Path
from typing import TextIO


class FolderInUse(RuntimeError):
    """Another process owns the folder; the message names it."""


def lock_folder(folder: Path, owner: str) -> TextIO:
    """Own a folder in a role until the file that is returned is closed, or this process ends.

    Raises FolderInUse if another process owns it in the same role.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / f"{owner}.lock", "w")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise FolderInUse(f"{folder} is in use by another {owner} process") from error
    return file
