"""The Cloud Run services that main.py's table comes to, and the line that deploys each."""

import hashlib
from dataclasses import dataclass

from deploy.queues import queue_names
from deploy.settings import Settings, Unusable
from main import FUNCTIONS, Function

#: Requests that one instance works on at once, each in a thread of its own.
CONCURRENCY = 16

#: Cloud Run waits so many seconds longer than the function, which then has said 504 itself.
GRACE = 5

WORKER = "run_saga_step"
SWEEP = "sweep_sagas"

#: Read before traffic moves: it shows that the code, the account and the database fit together.
SMOKE = "count_sagas"

#: The label that says what a service was last deployed as.
RELEASE = "amends-release"

#: The revision tags: of the one that is tried, and of the one to go back to, whose tag goes on
#: with a name of the release that it served before.
NEXT, BEFORE = "next", "before-"


@dataclass(frozen=True, slots=True)
class Service:
    """One Cloud Run service; `target` is the Python name of its function."""

    target: str
    function: Function

    @property
    def name(self) -> str:
        """The deployed name."""
        return self.target.replace("_", "-")

    @property
    def is_machinery(self) -> bool:
        """Tell whether it is Google's own services that call it, and no person or program."""
        return self.function.invoker in ("tasks", "scheduler")


def list_services(mode: str) -> list[Service]:
    """Return the services of a mode, the machinery first.

    A new version's machinery has to be there before anybody starts a saga of that version.
    """
    services = [Service(target, function) for target, function in FUNCTIONS.items()]
    if mode == "api":
        services = [each for each in services if each.is_machinery]
        services.append(Service("api", Function("functions.api", "")))
    return sorted(services, key=lambda service: not service.is_machinery)


def url_of(name: str, settings: Settings, tag: str = "") -> str:
    """Return the root address that Cloud Run gives a service, or a tagged revision of it."""
    if not settings.project_number:
        raise Unusable("the services' addresses have the project's number: say PROJECT_NUMBER=...")
    host = f"{name}-{settings.project_number}.{settings.region}.run.app"
    return f"https://{tag}---{host}" if tag else f"https://{host}"


def describe_deployment(service: Service, settings: Settings, image: str) -> list[str]:
    """Return the flags that make a service what it is to be; they say all that matters of it."""
    variables = [f"{name}={value}" for name, value in _environment_of(service, settings).items()]
    return [
        f"--image={image}",
        f"--service-account={settings.email(settings.app_account)}",
        f"--timeout={service.function.timeout + GRACE}",
        f"--memory={service.function.memory}",
        "--cpu=1",
        "--cpu-boost",
        f"--concurrency={CONCURRENCY}",
        f"--ingress={'internal' if service.is_machinery else 'all'}",
        "--allow-unauthenticated"
        if service.function.invoker == "public"
        else "--no-allow-unauthenticated",
        # gcloud splits at what stands between the carets: a list of queues has commas.
        f"--set-env-vars=^|^{'|'.join(variables)}",
    ]


def release_of(flags: list[str]) -> str:
    """Return a label that is the same for the same flags, and only for them."""
    return hashlib.sha256("\n".join(flags).encode()).hexdigest()[:16]


def _environment_of(service: Service, settings: Settings) -> dict[str, str]:
    environment = {
        "FUNCTION_TARGET": service.target,
        "THREADS": str(CONCURRENCY),
        "GOOGLE_CLOUD_PROJECT": settings.project,
        "AMENDS_DATABASE": "" if settings.database == "(default)" else settings.database,
        "AMENDS_LOCATION": settings.region,
        "AMENDS_RETENTION_DAYS": settings.retention_days,
        "AMENDS_QUEUES": ",".join(queue_names(settings)),
        "AMENDS_BASE_URL": url_of(service.name, settings),
        "AMENDS_WORKER_URL": url_of(WORKER.replace("_", "-"), settings),
        "AMENDS_TASKS_SERVICE_ACCOUNT": settings.email(settings.tasks_account),
        "AMENDS_SCHEDULER_SERVICE_ACCOUNT": settings.email(settings.scheduler_account),
        "AMENDS_TIMEOUT_SECONDS": str(service.function.timeout),
    }
    if service.function.invoker != "public":
        # IAM has verified every token by then, and has taken its signature off (lib/identity.py).
        environment["AMENDS_BEHIND_IAM"] = "1"
    if service.function.invoker == "operator" or service.target == "api":
        environment["AMENDS_OPERATORS"] = settings.operators
    if settings.otlp_endpoint:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = settings.otlp_endpoint
    return environment
