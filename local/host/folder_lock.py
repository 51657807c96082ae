"""A lock on a folder, which the operating system releases when its holder dies."""

import fcntl
from pathlib import Path
from typing import TextIO


class FolderInUse(RuntimeError):
    """Another process has locked the folder; the message names the folder."""


def lock_folder(folder: Path, owner: str) -> TextIO:
    """Lock a folder for an `owner` until the returned file is closed, or this process ends.

    Raises FolderInUse if another process has locked it for the same owner.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / f"{owner}.lock", "w")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise FolderInUse(f"{folder} is in use by another {owner} process") from error
    return file
