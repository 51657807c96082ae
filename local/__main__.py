"""``python -m local``: the whole system on this machine, until Ctrl-C or SIGTERM."""

import argparse
import contextlib
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from local.datastore.storage.index_file import load_index_file
from local.host.folder_lock import FolderInUse
from local.host.ports import PortTaken
from local.stack import Stack, StackFailed
from local.stack.parts import write_env
from local.stack.source_watch import SourceWatch
from local.stack.supervisor import PROJECT
from local.stack.terminal import LogView
from project_files.yaml_file import BrokenFile

_PATIENCE = timedelta(seconds=20)

#: Lines for a newcomer to copy; {url} is the functions' root URL.
EXAMPLES = """\
curl -X PUT {url}/set-stock -H 'Content-Type: application/json' -d '{"sku":"tea","units":10}' \
&& curl -X PUT {url}/set-credit -H 'Content-Type: application/json' \
-d '{"customer_id":"ann","available_cents":5000}'
curl {url}/place-order -H 'Content-Type: application/json' -d '{"id":"order-1",\
"customer_id":"ann",\
"lines":[{"sku":"tea","quantity":2,"unit_price_cents":450}],\
"address":{"name":"Ann","street":"1 High St","city":"Leeds","country":"GB"}}'
curl '{url}/get-order?id=order-1'"""


def main() -> int:
    """Run the stack until a signal ends it; return the exit code: 1 if it could not start."""
    options = _parse_arguments()
    asked_to_end = _catch_signals()
    stack = Stack(
        data=options.data,
        port=options.port,
        source=options.source,
        queue_copies=options.queues,
        report=_say,
    )
    try:
        stack.start()
    except (FolderInUse, PortTaken, OSError) as error:
        print(f"Amends cannot start: {error}{_advise(error)}", file=sys.stderr)
        return 1
    threading.Thread(target=_announce, args=(stack,), daemon=True).start()
    logs = [stack.logs / f"{part}.log" for part in ("functions", "worker")]
    log_view = LogView(logs, _say, in_color=sys.stdout.isatty())
    log_view.start()
    watch = _watch_source(stack)
    asked_to_end.wait()
    watch.stop()
    log_view.stop()
    stack.stop()
    return 0


def _watch_source(stack: Stack) -> SourceWatch:
    """Restart the functions when their code changes, and the Datastore when index.yaml does."""
    folder = stack.plan.source.parent

    def restart_functions(changed: Path) -> None:
        _say(f"{changed.relative_to(folder)} has changed: restarting the functions")
        stack.restart("functions")
        stack.restart("worker")

    def read_indexes() -> None:
        try:
            load_index_file(stack.plan.index_file)
        except (BrokenFile, OSError) as problem:
            _say(f"the Datastore keeps its indexes: {problem}")
            return
        _say("index.yaml has changed: restarting the Datastore")
        stack.restart("datastore")

    watch = SourceWatch(stack.plan.source, restart_functions, read_indexes)
    watch.start()
    return watch


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "--port", type=_read_port, default=8080, help="port of the functions; 0: any free port"
    )
    parser.add_argument("--data", type=Path, default=Path(".local"), help="folder of data and logs")
    parser.add_argument(
        "--source", type=Path, default=PROJECT / "main.py", help="file with the functions"
    )
    parser.add_argument(
        "--queues", type=_read_count, default=1, help="number of queues for sagas, 1 to 100"
    )
    return parser.parse_args()


def _catch_signals() -> threading.Event:
    asked_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: asked_to_end.set())
    return asked_to_end


def _announce(stack: Stack) -> None:
    if not stack.plan.owns_datastore:
        _say(f"using the Datastore at {stack.datastore_host} (DATASTORE_EMULATOR_HOST)")
    try:
        stack.wait_until_ready(_PATIENCE)
    except StackFailed as failure:
        _say(f"{failure}\nstill waiting")
        stack.wait_until_ready(timedelta.max)
    _say(f"Amends is ready at {stack.url}; Ctrl-C stops it.")
    _say(f"Queues: {stack.tasks_page}   Logs: {stack.logs}")
    _say(f"To run a single function: . {write_env(stack.plan)}")
    _say(f"For other clients: DATASTORE_EMULATOR_HOST={stack.datastore_host}")
    _say(f"                   CLOUD_TASKS_EMULATOR_HOST={stack.tasks_host}")
    _say("Try:\n")
    _say(EXAMPLES.replace("{url}", stack.url) + "\n")


def _advise(error: Exception) -> str:
    way_out = "PORT" if isinstance(error, PortTaken) else "DATA"
    return f"; choose another with {way_out}="


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, flush=True)


def _read_count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return int(text)


def _read_port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
