"""The parts of the stack: each one's command line, environment and readiness probe."""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from local.host.ports import answers
from local.stack.supervisor import PROJECT, Part
from local.tasks.dispatch.faults import Faults
from project_files.queues import read_queue_settings

PROJECT_ID = "amends-local"
_LOCATION = "local"
_QUEUES = PROJECT / "queues.yaml"
_TASKS_ACCOUNT = f"tasks@{PROJECT_ID}.iam.gserviceaccount.com"
_SCHEDULER_ACCOUNT = f"scheduler@{PROJECT_ID}.iam.gserviceaccount.com"
#: Concurrent requests of the callers' functions: as many as one deployed instance serves.
_THREADS = 16
#: Processes of the callers' functions. They run the steps of sagas that are chained inline, and one
#: process uses one core.
_INSTANCES = min(2, os.cpu_count() or 1)
#: The worker's threads in addition to those for dispatches: the sweep needs them.
_SPARE_THREADS = 4
_MAX_WORKER_THREADS = 400
#: functions-framework answers this path itself, without calling the function.
_PROBE_PATH = "/robots.txt"
#: How long a probe waits for an answer before the supervisor checks whether the process lives.
_PROBE_PATIENCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The addresses and settings of one stack's parts."""

    data: Path
    source: Path
    port: int
    worker_port: int
    tasks_port: int
    page_port: int
    datastore_port: int
    env: Mapping[str, str]
    sweep_every: timedelta
    queue_copies: int
    faults: Faults

    @property
    def url(self) -> str:
        """The root URL of the callers' functions; each is at its deployed name."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def worker_url(self) -> str:
        """The root URL of the functions that Cloud Tasks and Cloud Scheduler call."""
        return f"http://127.0.0.1:{self.worker_port}"

    @property
    def index_file(self) -> Path:
        """The index.yaml in main.py's folder, or else the project's."""
        beside = self.source.parent / "index.yaml"
        return beside if beside.exists() else PROJECT / "index.yaml"

    @property
    def owns_datastore(self) -> bool:
        """Whether the stack starts a Datastore; it does not if the environment names one."""
        return not self.env.get("DATASTORE_EMULATOR_HOST")

    @property
    def datastore_host(self) -> str:
        """The functions' DATASTORE_EMULATOR_HOST."""
        return self.env.get("DATASTORE_EMULATOR_HOST") or f"127.0.0.1:{self.datastore_port}"


def list_elements(plan: Plan) -> list[Part]:
    """Return the parts of a stack, each after the parts that it depends on."""
    parts = [_make_tasks(plan), _make_worker(plan), _make_functions(plan)]
    return [_make_datastore(plan), *parts] if plan.owns_datastore else parts


def _make_datastore(plan: Plan) -> Part:
    return Part(
        name="datastore",
        module="local.datastore",
        arguments=(
            f"--port={plan.datastore_port}",
            f"--data={plan.data / 'datastore'}",
            f"--index-file={plan.index_file}",
        ),
        env=plan.env,
        log=plan.data / "logs" / "datastore.log",
        is_ready=partial(answers, plan.datastore_port, "/", {200}),
    )


def _make_tasks(plan: Plan) -> Part:
    faults = (f"--{name}={value}" for name, value in asdict(plan.faults).items())
    return Part(
        name="tasks",
        module="local.tasks",
        arguments=(
            f"--port={plan.tasks_port}",
            f"--page-port={plan.page_port}",
            f"--data={plan.data / 'tasks'}",
            f"--queues={_QUEUES}",
            f"--copies={plan.queue_copies}",
            f"--project={PROJECT_ID}",
            f"--location={_LOCATION}",
            f"--job={_describe_sweep(plan)}",
            *faults,
        ),
        env=plan.env,
        log=plan.data / "logs" / "tasks.log",
        is_ready=partial(answers, plan.page_port, "/"),
    )


def _make_functions(plan: Plan) -> Part:
    own = {"AMENDS_BASE_URL": plan.url, "WORKERS": str(_INSTANCES)}
    return _make_service(plan, "functions", "api", plan.port, list_settings(plan) | own)


def _make_worker(plan: Plan) -> Part:
    own = {"AMENDS_BASE_URL": plan.worker_url, "THREADS": str(_count_worker_threads(plan))}
    return _make_service(plan, "worker", "worker", plan.worker_port, list_settings(plan) | own)


def _count_worker_threads(plan: Plan) -> int:
    """Return the number of threads: one for each concurrent dispatch that the queues allow.

    Cloud Run adds instances as needed; here a single process must be enough.
    """
    queues = read_queue_settings(_QUEUES, plan.queue_copies).values()
    limits: list[int] = [
        each.get("rateLimits", {}).get("maxConcurrentDispatches", 1000) for each in queues
    ]
    return min(sum(limits), _MAX_WORKER_THREADS) + _SPARE_THREADS


def _make_service(
    plan: Plan, name: str, target: str, port: int, settings: Mapping[str, str]
) -> Part:
    """Return a part that serves functions of main.py, as a Cloud Run service does."""
    return Part(
        name=name,
        module="functions_framework",
        arguments=(
            f"--target={target}",
            f"--source={plan.source}",
            "--host=127.0.0.1",
            f"--port={port}",
        ),
        env={"AMENDS_LOG_TEXTS": "1", **plan.env, **settings},
        log=plan.data / "logs" / f"{name}.log",
        is_ready=partial(answers, port, _PROBE_PATH, patience=_PROBE_PATIENCE),
        port=port,
    )


def list_settings(plan: Plan) -> dict[str, str]:
    """Return the environment variables with which a function finds the stack."""
    return {
        "DATASTORE_EMULATOR_HOST": plan.datastore_host,
        "GOOGLE_CLOUD_PROJECT": PROJECT_ID,
        "AMENDS_TASKS_HOST": f"127.0.0.1:{plan.tasks_port}",
        "AMENDS_LOCATION": _LOCATION,
        "AMENDS_QUEUES": ",".join(read_queue_settings(_QUEUES, plan.queue_copies)),
        "AMENDS_BASE_URL": plan.url,
        "AMENDS_WORKER_URL": plan.worker_url,
        "AMENDS_OIDC_CERTS_URL": f"http://127.0.0.1:{plan.page_port}/oauth2/v1/certs",
        "AMENDS_TASKS_SERVICE_ACCOUNT": _TASKS_ACCOUNT,
        "AMENDS_SCHEDULER_SERVICE_ACCOUNT": _SCHEDULER_ACCOUNT,
        "AMENDS_LOAD_ALL": "1",
        "THREADS": str(_THREADS),
    }


def write_env(plan: Plan) -> Path:
    """Write those variables to a file that a shell can source, and return its path."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in list_settings(plan).items()]
    path = plan.data / "env"
    path.write_text("\n".join([f"# . {path}", *lines]) + "\n")
    return path


def _describe_sweep(plan: Plan) -> str:
    job = {
        "name": "sweep-sagas",
        "schedule": f"every {max(1, round(plan.sweep_every.total_seconds()))} seconds",
        "url": f"{plan.worker_url}/sweep-sagas",
        "audience": plan.worker_url,
        "service_account": _SCHEDULER_ACCOUNT,
    }
    return json.dumps(job)
