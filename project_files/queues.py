"""Reads queues.yaml: each queue by its id, in the format of the API's Queue resource.

The local Cloud Tasks and the deployment both use this reader and its schema.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from project_files.yaml_file import YamlFile, is_nothing

#: The type of a setting: a number, a whole number, a duration, text, or a list.
NUMBER: Final = "a number"
WHOLE: Final = "a whole number"
DURATION: Final = "a number of seconds with an s, such as 0.5s"
TEXT: Final = "text"
LIST: Final = "a list"

#: All settings of a queue (Cloud Tasks v2 reference, Queue), section by section.
SETTINGS: Final[Mapping[str, Any]] = {
    "rateLimits": {"maxDispatchesPerSecond": NUMBER, "maxConcurrentDispatches": WHOLE},
    "retryConfig": {
        "maxAttempts": WHOLE,
        "maxRetryDuration": DURATION,
        "minBackoff": DURATION,
        "maxBackoff": DURATION,
        "maxDoublings": WHOLE,
    },
    "stackdriverLoggingConfig": {"samplingRatio": NUMBER},
    "appEngineRoutingOverride": {"service": TEXT, "version": TEXT, "instance": TEXT},
    "httpTarget": {
        "uriOverride": {
            "scheme": TEXT,
            "host": TEXT,
            "port": WHOLE,
            "pathOverride": {"path": TEXT},
            "queryOverride": {"queryParams": TEXT},
            "uriOverrideEnforceMode": TEXT,
        },
        "httpMethod": TEXT,
        "headerOverrides": LIST,
        "oidcToken": {"serviceAccountEmail": TEXT, "audience": TEXT},
        "oauthToken": {"serviceAccountEmail": TEXT, "scope": TEXT},
    },
}

_HEADER: Final = {"header": {"key": TEXT, "value": TEXT}}

_QUEUE_ID: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_DURATION: Final = re.compile(r"\d+(\.\d{1,9})?s")


def read_queue_settings(path: Path, copies: int = 1) -> dict[str, dict[str, Any]]:
    """Return the settings of each queue by its id, in the order of the file.

    With more copies than one, each queue `NAME` is followed by `NAME-2`, `NAME-3` and so on.
    Raises BrokenFile, naming the line, for anything that is not a setting of a queue.
    """
    file = YamlFile(path)
    return {
        queue_id if copy == 1 else f"{queue_id}-{copy}": settings
        for queue_id, settings in _read_queues(file, copies)
        for copy in range(1, copies + 1)
    }


def _read_queues(file: YamlFile, copies: int) -> Iterator[tuple[str, dict[str, Any]]]:
    root = file.read()
    queues = {} if root is None else file.mapping(root, "the file")
    if not queues:
        raise file.broken(0, "it declares no queue: write `sagas:` on a line")
    for queue_id, node in queues.items():
        if not _QUEUE_ID.fullmatch(queue_id if copies == 1 else f"{queue_id}-{copies}"):
            reason = "Queue names have 1 to 100 letters, digits and -, with the copy's number"
            raise file.fault(node, f"{queue_id!r}: {reason}")
        yield queue_id, _read(file, node, f"queue {queue_id}", SETTINGS)


def _read(file: YamlFile, node: yaml.Node, what: str, shape: Any) -> Any:
    """Return a node as plain JSON data, if it has the right type."""
    if isinstance(shape, Mapping):
        if is_nothing(node):
            return {}
        fields = file.mapping(node, what, shape)
        return {name: _read(file, each, name, shape[name]) for name, each in fields.items()}
    if shape == LIST:
        return [_read(file, each, what, _HEADER) for each in file.sequence(node, what)]
    if shape == TEXT:
        return file.text(node, what)
    if shape == DURATION:
        text = file.text(node, what)
        if not _DURATION.fullmatch(text):
            raise file.fault(node, f"{what} is {DURATION}, not {text}")
        return text
    return file.whole(node, what) if shape == WHOLE else file.number(node, what)
