"""`make cold-start`: the CPU time from a function's start to its first response.

Four functions start in turn, each in its own process, for several rounds: an empty one of
functions-framework, one of ours without a store, one with Datastore, and an empty one that imports
Google's Datastore client. CPU time is that of the server and its worker until the first response.
The results are the ratios within each round.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from local.datastore.api.server import serve
from local.host.ports import choose_port
from local.stack.supervisor import PROJECT

ROUNDS = 9

BARE = """
def hello(request):
    return "hello"
"""
WITH_STOCK_CLIENT = """
from google.cloud import datastore

def hello(request):
    return "hello"
"""
WITHOUT_STORE = """
from functions.edge import endpoint

@endpoint("GET")
def hello() -> dict[str, str]:
    \"\"\"Say hello.\"\"\"
    return {"greeting": "hello"}
"""

#: The maximum cost of our first response, relative to the function that it is compared with.
MAX_WITHOUT_STORE = 1.25
MAX_WITH_STORE = 1.05


@dataclass(frozen=True, slots=True)
class Case:
    """A function to start: its source, its target, and the path of a first request."""

    source: Path
    target: str
    path: str = "/"


def main() -> int:
    """Print the medians and the ratios; return 1 if a ratio is over its maximum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amends-cold-") as folder:
        cases = make_cases(Path(folder))
        server = serve(Path(folder) / "data", index_file=PROJECT / "index.yaml")
        try:
            return report(measure_rounds(cases, f"127.0.0.1:{server.port}", options.rounds))
        finally:
            server.stop()


def make_cases(folder: Path) -> dict[str, Case]:
    """Write the functions' sources; the one with Datastore is one of this project's functions."""
    sources = {"bare": BARE, "stock client": WITH_STOCK_CLIENT, "without store": WITHOUT_STORE}
    cases = {}
    for name, source in sources.items():
        path = folder / name.replace(" ", "_") / "main.py"
        path.parent.mkdir()
        path.write_text(source)
        cases[name] = Case(path, "hello")
    cases["with Datastore"] = Case(PROJECT / "main.py", "get_task_list", "/?id=none")
    return cases


def measure_rounds(cases: dict[str, Case], host: str, rounds: int) -> dict[str, list[float]]:
    """Return CPU milliseconds by case and round, without a first round that compiles bytecode."""
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(rounds + 1):
        for name, case in cases.items():
            cost = measure(case, host)
            if turn:
                samples[name].append(cost)
    return samples


def measure(case: Case, host: str) -> float:
    """Start a function, call it once, and return the CPU milliseconds that it used."""
    port = choose_port()
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "functions_framework", f"--source={case.source}",
         f"--target={case.target}", "--host=127.0.0.1", f"--port={port}"],
        env=_environment(host),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(port)
        ask(f"http://127.0.0.1:{port}{case.path}")
        return sum(map(processor_ms, list_group(process.pid)))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(host: str) -> dict[str, str]:
    # The image holds compiled bytecode, so no start may compile, whatever the caller's shell says.
    own = {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "PYTHONPATH": str(PROJECT), "DATASTORE_EMULATOR_HOST": host}


def wait_for(port: int, patience: float = 60.0) -> None:
    """Wait until a server listens on the port."""
    ends = time.monotonic() + patience
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.01)
        else:
            return


def ask(url: str) -> None:
    """Send a GET; 404 counts as a response too."""
    try:
        urllib.request.urlopen(url, timeout=60).close()  # noqa: S310
    except urllib.error.HTTPError as refusal:
        if refusal.code != 404:
            raise


def list_group(leader: int) -> list[int]:
    """Return the processes of a group: the server and the worker that it forked."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _group_of(pid) == leader]


def processor_ms(pid: int) -> float:
    """Return the CPU time of all threads of a process, in milliseconds."""
    spent = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        spent += int((thread / "schedstat").read_text().split()[0])
    return spent / 1e6


def report(samples: dict[str, list[float]]) -> int:
    """Print the table; return 1 if a ratio is over its maximum."""
    for name, costs in samples.items():
        print(f"{name:16}{statistics.median(costs):8.0f} ms of CPU to the first response")
    over = 0
    for name, other, most in (
        ("without store", "bare", MAX_WITHOUT_STORE),
        ("with Datastore", "stock client", MAX_WITH_STORE),
    ):
        pairs = zip(samples[name], samples[other], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        print(f"{name} / {other}: {ratio:.2f} (at most {most})")
        over += ratio > most
    return int(over > 0)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


if __name__ == "__main__":
    sys.exit(main())
