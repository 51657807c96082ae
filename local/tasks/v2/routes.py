"""The REST API of Cloud Tasks v2: the verb and path of each method (google.api.http)."""

from typing import Final

from local.rpc.rest import Route

TASKS: Final = "google.cloud.tasks.v2.CloudTasks"
_LOCATIONS: Final = "google.cloud.location.Locations"
_OPERATIONS: Final = "google.longrunning.Operations"

_LOCATION: Final = "projects/*/locations/*"
_QUEUE: Final = f"{_LOCATION}/queues/*"
_TASK: Final = f"{_QUEUE}/tasks/*"


def _route(verb: str, template: str, method: str, body: str = "") -> Route:
    service = method if "/" in method else f"{TASKS}/{method}"
    return Route(verb, f"/v2/{template}", f"/{service}", body)


ROUTES: Final = (
    _route("GET", f"{{parent={_LOCATION}}}/queues", "ListQueues"),
    _route("GET", f"{{name={_QUEUE}}}", "GetQueue"),
    _route("POST", f"{{parent={_LOCATION}}}/queues", "CreateQueue", "queue"),
    _route("PATCH", f"{{queue.name={_QUEUE}}}", "UpdateQueue", "queue"),
    _route("DELETE", f"{{name={_QUEUE}}}", "DeleteQueue"),
    _route("POST", f"{{name={_QUEUE}}}:purge", "PurgeQueue", "*"),
    _route("POST", f"{{name={_QUEUE}}}:pause", "PauseQueue", "*"),
    _route("POST", f"{{name={_QUEUE}}}:resume", "ResumeQueue", "*"),
    _route("GET", f"{{parent={_QUEUE}}}/tasks", "ListTasks"),
    _route("GET", f"{{name={_TASK}}}", "GetTask"),
    _route("POST", f"{{parent={_QUEUE}}}/tasks", "CreateTask", "*"),
    _route("DELETE", f"{{name={_TASK}}}", "DeleteTask"),
    _route("POST", f"{{name={_TASK}}}:run", "RunTask", "*"),
    _route("POST", f"{{parent={_QUEUE}}}/tasks:batchCreate", "BatchCreateTasks", "*"),
    _route("POST", f"{{parent={_QUEUE}}}/tasks:batchDelete", "BatchDeleteTasks", "*"),
    _route("GET", "{name=projects/*}/locations", f"{_LOCATIONS}/ListLocations"),
    _route("GET", f"{{name={_LOCATION}}}", f"{_LOCATIONS}/GetLocation"),
    _route("GET", f"{{name={_LOCATION}/operations/*}}", f"{_OPERATIONS}/GetOperation"),
)
