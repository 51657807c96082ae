"""The table of functions: each one's name, module and deployment settings. Nothing else.

A module is loaded when one of its functions is first used (PEP 562), so a function's cold start
pays only for its own imports. The deployed name of a function has hyphens: `create_task_list`
becomes `create-task-list`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

NOTHING: Mapping[str, str] = MappingProxyType({})


class Function(NamedTuple):
    """One function: its module, the one HTTP method that it accepts, and how it is deployed.

    `invoker` says who may call it: "public"; "caller" or "operator" (the deployment lists them);
    "tasks" or "scheduler" (only the service account of Cloud Tasks or Cloud Scheduler). A caller is
    an operator only if it is listed as both. `timeout` is in seconds.
    """

    module: str
    method: str
    invoker: str = "caller"
    timeout: int = 60
    memory: str = "512Mi"
    #: Each instance serves 16 requests at a time. All functions share the region's quota.
    max_instances: int = 10
    #: Environment variables of this function; `secrets` come from Secret Manager as "name:version".
    env: Mapping[str, str] = NOTHING
    secrets: Mapping[str, str] = NOTHING


FUNCTIONS = {
    "create_task_list": Function("functions.tasks.lists", "POST"),
    "get_task_list": Function("functions.tasks.lists", "GET"),
    "update_task_list": Function("functions.tasks.lists", "PATCH"),
    "upsert_task_list": Function("functions.tasks.lists", "PUT"),
    "delete_task_list": Function("functions.tasks.lists", "DELETE"),
    "list_task_lists": Function("functions.tasks.lists", "GET"),
    "create_task": Function("functions.tasks.tasks", "POST"),
    "get_task": Function("functions.tasks.tasks", "GET"),
    "update_task": Function("functions.tasks.tasks", "PATCH"),
    "replace_task": Function("functions.tasks.tasks", "PUT"),
    "transfer_task": Function("functions.tasks.tasks", "POST"),
    "soft_delete_task": Function("functions.tasks.tasks", "POST"),
    "restore_task": Function("functions.tasks.tasks", "POST"),
    "delete_task": Function("functions.tasks.tasks", "DELETE"),
    "batch_create_tasks": Function("functions.tasks.batches", "POST"),
    "batch_get_tasks": Function("functions.tasks.batches", "POST"),
    "batch_delete_tasks": Function("functions.tasks.batches", "POST"),
    "list_tasks": Function("functions.tasks.queries", "GET"),
    "list_task_summaries": Function("functions.tasks.queries", "GET"),
    "query_tasks": Function("functions.tasks.queries", "GET"),
    "count_tasks": Function("functions.tasks.queries", "GET"),
    "task_statistics": Function("functions.tasks.queries", "GET"),
    "start_saga": Function("functions.sagas.callers", "POST"),
    "get_saga": Function("functions.sagas.callers", "GET"),
    "list_saga_events": Function("functions.sagas.callers", "GET"),
    "list_sagas": Function("functions.sagas.callers", "GET"),
    "signal_saga": Function("functions.sagas.callers", "POST"),
    "cancel_saga": Function("functions.sagas.operators", "POST", invoker="operator"),
    "pause_saga": Function("functions.sagas.operators", "POST", invoker="operator"),
    "resume_saga": Function("functions.sagas.operators", "POST", invoker="operator"),
    "park_saga": Function("functions.sagas.operators", "POST", invoker="operator"),
    "retry_saga": Function("functions.sagas.operators", "POST", invoker="operator"),
    "skip_saga_step": Function("functions.sagas.operators", "POST", invoker="operator"),
    "void_saga_step": Function("functions.sagas.operators", "POST", invoker="operator"),
    "resolve_saga": Function("functions.sagas.operators", "POST", invoker="operator"),
    "operate_sagas": Function("functions.sagas.operators", "POST", invoker="operator"),
    "monitor_sagas": Function("functions.sagas.monitor", "GET"),
    "count_sagas": Function("functions.sagas.monitor", "GET"),
    "list_dead_letters": Function("functions.sagas.monitor", "GET"),
    "count_dead_letters": Function("functions.sagas.monitor", "GET"),
    "run_saga_step": Function(
        "functions.sagas.worker", "POST", "tasks", timeout=1800, max_instances=40
    ),
    "sweep_sagas": Function(
        "functions.sagas.worker", "POST", "scheduler", timeout=180, max_instances=2
    ),
    "place_order": Function("functions.orders", "POST"),
    "get_order": Function("functions.orders", "GET"),
    "set_stock": Function("functions.orders", "PUT"),
    "get_stock": Function("functions.orders", "GET"),
    "set_credit": Function("functions.orders", "PUT"),
    "get_credit": Function("functions.orders", "GET"),
}

MODULE_OF = {name: function.module for name, function in FUNCTIONS.items()}

#: Functions that route to others: `api` to all, `worker` to those that Google's services call.
ROUTERS = {
    "api": [*FUNCTIONS],
    "worker": [name for name in FUNCTIONS if FUNCTIONS[name].invoker in ("tasks", "scheduler")],
}


def __getattr__(name: str) -> Callable[..., Any]:
    function: Callable[..., Any]
    if name in ROUTERS:
        function = import_module("functions.api").route_to(ROUTERS[name], MODULE_OF)
    elif name in MODULE_OF:
        function = getattr(import_module(MODULE_OF[name]), name)
    else:
        raise AttributeError(name)
    import_module("lib.edge.response.server_errors").adopt_app()
    return function
