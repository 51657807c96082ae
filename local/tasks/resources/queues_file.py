"""Reads the queues that queues.yaml declares."""

from pathlib import Path
from typing import Any

from google.protobuf import json_format

from local.rpc.errors import ServiceError
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.v2.messages import Queue
from project_files.queues import read_queue_settings
from project_files.yaml_file import BrokenFile


def read_queues(path: Path, location: str, copies: int = 1) -> list[Any]:
    """Return the queues that the file declares, with defaults and full names in `location`.

    Raises BrokenFile, naming the queue, if a queue is invalid.
    """
    return [
        _make_queue(path, f"{location}/queues/{queue_id}", settings or {})
        for queue_id, settings in read_queue_settings(path, copies).items()
    ]


def _make_queue(path: Path, name: str, settings: Any) -> Any:
    try:
        queue = json_format.ParseDict(settings, Queue())
        queue.name = name
        return complete_queue(queue)
    except (json_format.ParseError, ServiceError) as error:
        raise BrokenFile(f"{path}: {name}: {error}") from error
