"""The table of functions: deployed name, module, and who may call it. Nothing else.

A module is loaded when one of its functions is first asked for (PEP 562), so that a function's
cold start pays for its own imports alone. A name here is the Python name; the deployed one has
hyphens: `create_task_list` is `create-task-list`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

FUNCTIONS = {
    "functions.task_lists": (
        "create_task_list",
        "get_task_list",
        "update_task_list",
        "upsert_task_list",
        "delete_task_list",
        "list_task_lists",
    ),
    "functions.tasks": (
        "create_task",
        "get_task",
        "update_task",
        "replace_task",
        "transfer_task",
        "soft_delete_task",
        "restore_task",
        "delete_task",
    ),
    "functions.task_batches": ("batch_create_tasks", "batch_get_tasks", "batch_delete_tasks"),
    "functions.task_queries": (
        "list_tasks",
        "list_task_summaries",
        "query_tasks",
        "count_tasks",
        "task_statistics",
    ),
    "functions.sagas": (
        "start_saga",
        "get_saga",
        "list_sagas",
        "count_sagas",
        "cancel_saga",
        "run_saga_step",
        "sweep_sagas",
    ),
    "functions.orders": (
        "place_order",
        "get_order",
        "set_stock",
        "get_stock",
        "set_credit",
        "get_credit",
    ),
}

MODULE_OF = {name: module for module, names in FUNCTIONS.items() for name in names}


def __getattr__(name: str) -> Callable[..., Any]:
    function: Callable[..., Any]
    if name == "api":
        function = import_module("functions.api").route_to(MODULE_OF)
    elif name in MODULE_OF:
        function = getattr(import_module(MODULE_OF[name]), name)
    else:
        raise AttributeError(name)
    return function
