"""Run the Datastore server: ``python -m local.datastore --port 8081 --data DIR``."""

import argparse
import gc
import logging
import signal
import sys
import threading

from local.datastore.api.server import serve
from local.host.folder_lock import FolderInUse
from local.host.ports import PortTaken
from project_files.yaml_file import BrokenFile


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code: 1 if the server could not start."""
    parser = argparse.ArgumentParser(prog="python -m local.datastore", description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="port; 0: any free port")
    parser.add_argument("--data", required=True, help="folder of the data")
    parser.add_argument("--index-file", default="index.yaml", help="composite indexes")
    parser.add_argument(
        "--no-require-indexes",
        action="store_true",
        help="serve queries that lack their composite index, slowly, instead of refusing them",
    )
    options = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        handle = serve(
            options.data,
            options.port,
            options.index_file,
            require_indexes=not options.no_require_indexes,
        )
    except (PortTaken, FolderInUse, BrokenFile) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _spare_collections()
    print(f"Datastore ready on {handle.host}", flush=True)
    stop.wait()
    handle.stop()
    return 0


def _spare_collections() -> None:
    """Let the cyclic garbage collector run rarely, and skip the objects that exist after the start.

    The saved time was measured only together with other changes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


if __name__ == "__main__":
    sys.exit(main())
