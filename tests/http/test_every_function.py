"""Every function of the table runs alone, with only the address of Datastore."""

import json
import os
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

import main
from local.stack import Stack
from local.stack.supervisor import PROJECT

LIST = {"task_list_id": "no-such"}
TASK = {**LIST, "id": "1"}
VERB = {"id": "no-such", "reason": "why not"}
ORDER = {
    "id": "alone-1",
    "customer_id": "ann",
    "lines": [{"sku": "cd", "quantity": 1, "unit_price_cents": 999}],
    "address": {"name": "Ann", "street": "1 Main St", "city": "Springfield", "country": "US"},
}

#: A call that reaches the collaborators: query, body, and the status of the answer.
CALLS: dict[str, tuple[dict[str, str], Any, int]] = {
    "create_task_list": ({}, {"id": "alone", "name": "x"}, 201),
    "get_task_list": ({"id": "no-such"}, None, 404),
    "update_task_list": ({"id": "no-such"}, {"name": "x"}, 404),
    "upsert_task_list": ({}, {"id": "alone-put", "name": "x"}, 200),
    "delete_task_list": ({"id": "no-such"}, None, 404),
    "list_task_lists": ({}, None, 200),
    "create_task": ({}, {**LIST, "description": "x"}, 404),
    "get_task": (TASK, None, 404),
    "update_task": (TASK, {"done": True}, 404),
    "replace_task": (TASK, {"description": "x"}, 404),
    "transfer_task": ({}, {**LIST, "id": 1, "to_task_list_id": "b"}, 404),
    "soft_delete_task": (TASK, None, 404),
    "restore_task": (TASK, None, 404),
    "delete_task": (TASK, None, 404),
    "batch_create_tasks": ({}, {**LIST, "tasks": [{"description": "x"}]}, 404),
    "batch_get_tasks": ({}, {**LIST, "ids": [1]}, 200),
    "batch_delete_tasks": ({}, {**LIST, "ids": [1]}, 200),
    "list_tasks": (LIST, None, 404),
    "list_task_summaries": (LIST, None, 404),
    "query_tasks": ({}, None, 200),
    "count_tasks": ({}, None, 200),
    "task_statistics": (LIST, None, 404),
    "start_saga": ({}, {"name": "order-processing", "payload": {**ORDER}, "id": "alone-2"}, 422),
    "get_saga": ({"id": "no-such"}, None, 404),
    "list_saga_events": ({"id": "no-such"}, None, 404),
    "list_sagas": ({}, None, 200),
    "signal_saga": ({}, {"id": "no-such", "signal": "x"}, 404),
    "cancel_saga": ({}, VERB, 404),
    "pause_saga": ({}, VERB, 404),
    "resume_saga": ({}, VERB, 404),
    "park_saga": ({}, VERB, 404),
    "retry_saga": ({}, VERB, 404),
    "skip_saga_step": ({}, {**VERB, "step": "x"}, 404),
    "void_saga_step": ({}, {**VERB, "step": "x"}, 404),
    "resolve_saga": ({}, {**VERB, "outcome": "COMPLETED"}, 404),
    "operate_sagas": ({}, {"verb": "pause", "reason": "x", "status": "FAILED"}, 200),
    "monitor_sagas": ({}, None, 200),
    "count_sagas": ({}, None, 200),
    "list_dead_letters": ({}, None, 200),
    "count_dead_letters": ({}, None, 200),
    "run_saga_step": ({}, {}, 401),
    "sweep_sagas": ({}, None, 401),
    # There is no queue for its first delivery, but the order is kept, for the sweep.
    "place_order": ({}, ORDER, 202),
    "get_order": ({"id": "no-such"}, None, 404),
    "set_stock": ({}, {"sku": "alone", "units": 1}, 200),
    "get_stock": ({"sku": "no-such"}, None, 404),
    "set_credit": ({}, {"customer_id": "alone", "available_cents": 1}, 200),
    "get_credit": ({"customer_id": "no-such"}, None, 404),
    "api": ({}, None, 404),
}

#: What functions-framework does to serve a function, once for each.
RUNNER = """
import json, sys, functions_framework
calls, answers = json.load(sys.stdin), {}
for name, (method, query, body) in calls.items():
    app = functions_framework.create_app(name, "main.py", "http")
    answer = app.test_client().open("/", method=method, query_string=query, json=body)
    answers[name] = [answer.status_code, answer.content_type, answer.get_data(as_text=True)]
print("ANSWERS " + json.dumps(answers))
"""


def said_of(calls: dict[str, Any]) -> str:
    """Return the calls as JSON, with ids that no other run has used."""
    return json.dumps(calls).replace("alone", f"alone-{uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def answers(stack: Stack) -> dict[str, tuple[int, str, str]]:
    calls: dict[str, tuple[str, dict[str, str], Any]] = {"api": ("GET", {}, None)}
    for name, function in main.FUNCTIONS.items():
        query, body, _ = CALLS.get(name, ({}, None, 0))
        calls[name] = (function.method, query, body)
    env = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    env |= {"DATASTORE_EMULATOR_HOST": stack.datastore_host, "GOOGLE_CLOUD_PROJECT": stack.project}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        cwd=PROJECT, env=env, input=said_of(calls), capture_output=True, text=True, check=True,
        timeout=60,
    )  # fmt: skip
    said = done.stdout.rpartition("ANSWERS ")[2]
    found: dict[str, tuple[int, str, str]] = json.loads(said)
    return found


@pytest.mark.parametrize("name", [*main.FUNCTIONS, "api"])
def test_a_function_answers_by_itself(name: str, answers: dict[str, tuple[int, str, str]]) -> None:
    status, content_type, body = answers[name]
    assert status == CALLS.get(name, ({}, None, status))[2], body
    assert status < 500, body
    kind = "application/json" if status < 300 else "application/problem+json"
    assert content_type == kind
