"""``python -m local.tasks``: a Cloud Tasks v2 server of one's own, on loopback."""

import argparse
import logging
import signal
import sys
from pathlib import Path

from local.folder_lock import FolderInUse
from local.scheduler.ticker import read_job
from local.tasks.faults import Faults
from local.tasks.queues_file import BrokenQueuesFile, read_queues
from local.tasks.server import TasksServer, serve


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 1 if the server could not start."""
    options = _parse_arguments()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    stopping = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    try:
        server = _start(options)
    except (FolderInUse, BrokenQueuesFile, OSError) as error:
        print(f"Cloud Tasks cannot start: {error}", file=sys.stderr)
        return 1
    print(f"Cloud Tasks ready on {server.address}", flush=True)
    print(f"Certificates at {server.certs_url}", flush=True)
    signal.sigwait(stopping)
    server.stop()
    return 0


def _start(options: argparse.Namespace) -> TasksServer:
    location = f"projects/{options.project}/locations/{options.location}"
    return serve(
        options.data,
        port=options.port,
        page_port=options.page_port,
        queues=read_queues(options.queues, location) if options.queues else (),
        jobs=options.job,
        faults=Faults(
            options.duplicate, options.delay, options.drop, options.reorder, options.seed
        ),
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.tasks", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="gRPC port; 0, the default: any free")
    parser.add_argument("--page-port", type=int, default=0, help="HTTP port of the certificates")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    parser.add_argument("--queues", type=Path, help="queues.yaml: queues to create or update")
    parser.add_argument("--project", default="amends-local")
    parser.add_argument("--location", default="local")
    parser.add_argument(
        "--job", type=read_job, action="append", default=[], help="a scheduler job, as JSON"
    )
    for fault, effect in _FAULTS.items():
        parser.add_argument(f"--{fault}", type=_read_rate, default=0.0, help=effect)
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    return parser.parse_args()


_FAULTS = {
    "duplicate": "rate of deliveries that come twice",
    "delay": "rate of deliveries that are up to 5 s late",
    "drop": "rate of deliveries whose task is lost instead",
    "reorder": "rate of tasks that let the others go first",
}


def _read_rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return rate


if __name__ == "__main__":
    sys.exit(main())
