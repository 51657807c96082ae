"""lib.saga has all that an author needs, and costs little to import."""

import json
import subprocess
import sys

import lib.saga
from local.stack.supervisor import PROJECT

#: Whatever a saga's author declares: what serves HTTP, and what speaks to Google, comes later.
DECLARE = """
import json, sys
from lib.saga import *
Saga("s", payload=dict, steps=(
    Step("a", execute=lambda p, c: None, compensate=lambda p, c: None),
    Step("b", execute=HttpCall("https://pay.example/charge")),
))
print(json.dumps(sorted(sys.modules)))
"""


def test_one_import_has_all_that_an_author_needs() -> None:
    wanted = (
        "Saga Step Parallel Timer Signal Child HttpCall RetryPolicy StepContext Permanent Retry "
        "Unknown NotHappened Secret apply_once undo_once"
    )
    assert set(wanted.split()) <= set(lib.saga.__all__)


def test_declaring_a_saga_and_a_remote_step_loads_neither_the_edge_nor_what_speaks_to_google() -> (
    None
):
    done = subprocess.run(
        [sys.executable, "-c", DECLARE], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    heavy = {"flask", "werkzeug", "grpc", "requests", "urllib3", "google.auth", "lib.edge"}
    assert not loaded & heavy
    # It was 525 when the remote step came with the edge.
    assert len(loaded) < 275
