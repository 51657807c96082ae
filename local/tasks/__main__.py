"""``python -m local.tasks``: a Cloud Tasks v2 server on loopback."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from local.host.folder_lock import FolderInUse
from local.host.ports import PortTaken
from local.rpc.errors import ServiceError
from local.scheduler.job import Job, read_job
from local.tasks.dispatch.faults import Faults
from local.tasks.resources.queues_file import read_queues
from local.tasks.resources.task_checks import encode_url
from local.tasks.server import ServerSettings, start_server
from project_files.yaml_file import BrokenFile


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 1 if the server could not start."""
    options = _parse_arguments()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        asyncio.run(_serve(_read_settings(options)))
    except (FolderInUse, PortTaken, BrokenFile, OSError) as error:
        print(f"Cloud Tasks cannot start: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: ServerSettings) -> None:
    asked_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    server = await start_server(settings)
    print(f"Cloud Tasks ready on {server.address}", flush=True)
    print(f"Page: {server.page_url}   Certificates: {server.certs_url}", flush=True)
    await asked_to_end.wait()
    await server.stop()


def _read_settings(options: argparse.Namespace) -> ServerSettings:
    location = f"projects/{options.project}/locations/{options.location}"
    return ServerSettings(
        data=options.data,
        port=options.port,
        page_port=options.page_port,
        queues=read_queues(options.queues, location, options.copies) if options.queues else (),
        jobs=options.job,
        app_engine=options.app_engine or "",
        faults=Faults(
            options.duplicate, options.delay, options.drop, options.reorder, options.seed
        ),
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.tasks", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="gRPC port; default 0: any free port")
    parser.add_argument("--page-port", type=int, default=0, help="HTTP port of the web page")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    parser.add_argument("--queues", type=Path, help="queues.yaml: queues to create or update")
    parser.add_argument("--copies", type=int, default=1, help="copies of each queue in that file")
    parser.add_argument("--project", default="amends-local")
    parser.add_argument("--location", default="local")
    parser.add_argument(
        "--job", type=_read_job, action="append", default=[], help="a scheduler job, as JSON"
    )
    parser.add_argument("--app-engine", type=_read_url, help="URL that receives App Engine tasks")
    for fault, effect in _FAULTS.items():
        parser.add_argument(f"--{fault}", type=_read_rate, default=0.0, help=effect)
    parser.add_argument("--seed", type=int, default=0, help="seed of the faults")
    return parser.parse_args()


_FAULTS = {
    "duplicate": "rate of deliveries that are sent twice",
    "delay": "rate of deliveries that are delayed by up to 5 s",
    "drop": "rate of deliveries whose task is lost",
    "reorder": "rate of deliveries that are delayed by up to 0.2 s, so that others overtake them",
}


def _read_job(text: str) -> Job:
    try:
        return read_job(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _read_url(text: str) -> str:
    try:
        return encode_url(text)
    except ServiceError as refusal:
        raise argparse.ArgumentTypeError(str(refusal)) from refusal


def _read_rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return rate


if __name__ == "__main__":
    sys.exit(main())
