"""`python -m local` in a copy of the project, which a test may change."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from local.host.ports import choose_port, prefer_port
from local.stack.supervisor import PROJECT

GREETING = '''
from functions.edge import endpoint


@endpoint("GET")
def get_greeting(name: str) -> dict[str, str]:
    """Greet."""
    return {"greeting": {}[name]}
'''
LINE = '    "get_credit": Function("functions.orders", "GET"),\n'


def copy_project(folder: Path) -> Path:
    """Copy the project, with an additional function that fails when it is called."""
    for name in ("lib", "domain", "functions", "local", "project_files"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("queues.yaml", "index.yaml"):
        shutil.copy(PROJECT / name, folder)
    (folder / "functions/greetings.py").write_text(GREETING)
    table = (PROJECT / "main.py").read_text()
    assert LINE in table
    more = '    "get_greeting": Function("functions.greetings", "GET"),\n'
    (folder / "main.py").write_text(table.replace(LINE, LINE + more))
    return folder


def choose_first_of_four() -> int:
    """Return a free port that is followed by three more free ones."""
    while True:
        port = choose_port()
        if all(prefer_port(port + more) == port + more for more in (1, 2, 3)):
            return port


class Launcher:
    """`python -m local` in a project; `output` is its terminal output so far."""

    def __init__(self, project: Path) -> None:
        self.port, self.output = choose_first_of_four(), ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", f"--port={self.port}", f"--data={project / 'data'}"],
            cwd=project,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._reader.join(30)
