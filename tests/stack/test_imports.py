"""What an import loads, in a separate process: each module slows cold starts."""

import json

from tests.support.processes import run_python

#: What an author imports, which must load neither HTTP servers nor Google's clients.
DECLARE = """
import json, sys
from lib.saga import *
Saga("s", payload=dict, steps=(
    Step("a", execute=lambda p, c: None, compensate=lambda p, c: None),
    Step("b", execute=HttpCall("https://pay.example/charge")),
))
print(json.dumps(sorted(sys.modules)))
"""


def test_declaring_a_saga_and_a_remote_step_loads_neither_edge_nor_google_clients() -> None:
    loaded = set(json.loads(run_python(DECLARE)))
    heavy = {"flask", "werkzeug", "grpc", "requests", "urllib3", "google.auth", "lib.edge"}
    assert not loaded & heavy
    # It was 525 when the remote step loaded the edge.
    assert len(loaded) < 285


def test_importing_the_layer_imports_no_grpc_and_starts_no_thread() -> None:
    check = (
        "import sys, threading; from lib.datastore import Store, connect; import lib.saga;"
        "store = Store(connect('p'));"
        "heavy = {'grpc', 'google.cloud.datastore_v1', 'google.auth', 'google.protobuf'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "assert threading.active_count() == 1"
    )
    run_python(check)


def test_a_first_call_leaves_the_stock_client_importable() -> None:
    check = (
        "import sys; from lib.datastore.v1.messages import message; message('Value');"
        "assert 'google.cloud.datastore_v1' not in sys.modules;"
        "from google.cloud import datastore, datastore_v1;"
        "theirs = datastore_v1.types.Value.pb(datastore_v1.types.Value());"
        "assert type(theirs) is message('Value')"
    )
    run_python(check)
