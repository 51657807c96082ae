"""What main.py's table says of deployment, checked before anything is deployed."""

import ast
import re
from collections.abc import Iterable, Mapping
from functools import cache

from deploy.settings import PROJECT, Settings, Unusable
from main import FUNCTIONS, Function

#: The function that hands requests on to all others, and the only one where MODE=api.
API = "api"

#: The revision tags: of the one that is tried, and of the one to go back to, whose tag goes on
#: with a name of the release that it served before.
NEXT, BEFORE = "next", "before-"
MARK_DIGITS = 8

#: A tag, three hyphens, a service and what Cloud Run adds are one label of a host name: of its 63
#: characters 46 are left for tag and service.
MAX_TAGGED = 46
MAX_NAME = MAX_TAGGED - len(BEFORE) - MARK_DIGITS

INVOKERS = ("public", "caller", "operator", "tasks", "scheduler")

#: What we, or Cloud Run, say to every service: a function cannot say it.
_OURS = re.compile(
    r"AMENDS_.*|FUNCTION_.*|GOOGLE_CLOUD_PROJECT|THREADS|OTEL_EXPORTER_OTLP_ENDPOINT|PORT|K_.*"
)
#: What functions/edge.py hands to a function that can move a saga: the engine, or an operator's.
_HANDED = re.compile(r"\b([Ee]ngine|[Oo]perator)\b")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,255}:(latest|[1-9][0-9]*)")


def deployed_name(target: str, settings: Settings) -> str:
    """Return the name of a function's service."""
    return settings.named(target.replace("_", "-"))


def account_of(target: str, settings: Settings) -> str:
    """Return the account that a function runs as: one that can make tasks only if it may start.

    What uses the engine, by itself or as an operator, and does not answer GET moves sagas.
    """
    return settings.app_account if enqueues(target) else settings.data_account


def enqueues(target: str) -> bool:
    """Tell whether a function may hand work to Cloud Tasks; `api` may."""
    if target == API:
        return True
    function = FUNCTIONS[target]
    return function.method != "GET" and target in _users_of_the_engine(function.module)


def check_table(settings: Settings) -> None:
    """Refuse what could not be deployed, released or told apart; Unusable says which function."""
    for target, function in FUNCTIONS.items():
        name = deployed_name(target, settings)
        if len(name) > MAX_NAME:
            raise Unusable(
                f"{target}: its service {name} has {len(name)} characters, and a service that is "
                f"released with a tag can have {MAX_NAME}: find a shorter name in main.py"
                + (" or a shorter PREFIX" if settings.prefix else "")
            )
        if function.invoker not in INVOKERS:
            raise Unusable(f"{target}: an invoker is {', '.join(INVOKERS)}, not {function.invoker}")
        _check_environment(target, function)
        if function.max_instances < 1:
            raise Unusable(f"{target}: max_instances is 1 or more, not {function.max_instances}")
    _check_instances(settings)
    if settings.mode == "api":
        merge(FUNCTIONS.values())


def _check_instances(settings: Settings) -> None:
    """Refuse instances that the region could not all start: the worker's would starve readers."""
    most = sum(function.max_instances for function in FUNCTIONS.values())
    if most > int(settings.instances):
        largest = max(FUNCTIONS, key=lambda target: FUNCTIONS[target].max_instances)
        raise Unusable(
            f"max_instances of all functions come to {most}, and the region's quota is for "
            f"{settings.instances}: whatever is called most would starve the others. Lower some in "
            f"main.py ({largest} has {FUNCTIONS[largest].max_instances}), or, if the quota is "
            f"higher, say INSTANCES={most} (in the build _INSTANCES)"
        )


def merge(functions: Iterable[Function]) -> Function:
    """Return the one function that `api` is: with the largest need and every variable of them."""
    listed = list(functions)
    return Function(
        "functions.api",
        "",
        timeout=max(function.timeout for function in listed),
        memory=max((function.memory for function in listed), key=bytes_of),
        max_instances=sum(function.max_instances for function in listed),
        env=_merged(function.env for function in listed),
        secrets=_merged(function.secrets for function in listed),
    )


def list_secrets() -> list[tuple[str, str]]:
    """Return each secret of the table with a function that takes it, once for each account."""
    return sorted(
        {
            (stated.partition(":")[0], target)
            for target, function in FUNCTIONS.items()
            for stated in function.secrets.values()
        }
    )


def bytes_of(memory: str) -> int:
    """Return how many bytes a quantity such as 512Mi or 1Gi is."""
    number, unit = re.fullmatch(r"(\d+)([KMG]i?)?", memory).groups()  # type: ignore[union-attr]
    power = " KMG".index((unit or " ")[0])
    return int(number) * int((1024 if (unit or "").endswith("i") else 1000) ** power)


def _check_environment(target: str, function: Function) -> None:
    for name in [*function.env, *function.secrets]:
        if not _VARIABLE.fullmatch(name):
            raise Unusable(f"{target}: {name!r} is no name of an environment variable")
        if _OURS.fullmatch(name):
            raise Unusable(f"{target}: {name} is set by the deployment; choose another name")
    if twice := set(function.env) & set(function.secrets):
        raise Unusable(f"{target}: {min(twice)} is in env and in secrets; say it in one of them")
    for name, stated in function.secrets.items():
        if not _SECRET.fullmatch(stated):
            raise Unusable(f'{target}: say secrets={{"{name}": "name:version"}}, not {stated!r}')


def _merged(stated: Iterable[Mapping[str, str]]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for each in stated:
        for name, value in each.items():
            if merged.setdefault(name, value) != value:
                raise Unusable(
                    f"with MODE=api all functions share one environment: {name} cannot be both "
                    f"{merged[name]!r} and {value!r}"
                )
    return merged


@cache
def _users_of_the_engine(module: str) -> set[str]:
    """Return the functions of a module that have to do with the engine; it is not imported.

    The build's Python has none of the packages that it would import.
    """
    source = (PROJECT / (module.replace(".", "/") + ".py")).read_text()
    return {
        each.name
        for each in ast.parse(source).body
        if isinstance(each, ast.FunctionDef) and _HANDED.search(ast.unparse(each))
    }
