"""Checks main.py's table before anything is deployed."""

import ast
import re
from collections.abc import Iterable, Mapping
from functools import cache

from deploy.settings import PROJECT, Settings, Unusable
from main import FUNCTIONS, Function

#: The function that routes to all others; with MODE=api it is the only one for callers.
API = "api"

#: The tags of the staged revision, and of the revision for a rollback. The latter ends with a mark
#: of the release that followed it.
NEXT, BEFORE = "next", "before-"
MARK_DIGITS = 8

#: Tag, three hyphens, service name and Cloud Run's suffix form one label of a host name. It has 63
#: characters, of which 46 are left for tag and service name.
MAX_TAGGED = 46
MAX_NAME = MAX_TAGGED - len(BEFORE) - MARK_DIGITS

INVOKERS = ("public", "caller", "operator", "tasks", "scheduler")

#: Variables that we or Cloud Run set for every service, so a function cannot set them.
_OURS = re.compile(
    r"AMENDS_.*|FUNCTION_.*|GOOGLE_CLOUD_PROJECT|THREADS|OTEL_EXPORTER_OTLP_ENDPOINT|PORT|K_.*"
)
#: The collaborators of a function that can move a saga: the engine, or an operator.
_HANDED = re.compile(r"\b([Ee]ngine|[Oo]perator)\b")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,255}:(latest|[1-9][0-9]*)")


def deployed_name(target: str, settings: Settings) -> str:
    """Return the name of a function's service."""
    return settings.named(target.replace("_", "-"))


def account_of(target: str, settings: Settings) -> str:
    """Return the account that a function runs as; it can create tasks only if the function must.

    A function moves sagas if it uses the engine or an operator and its method is not GET.
    """
    return settings.app_account if enqueues(target) else settings.data_account


def enqueues(target: str) -> bool:
    """Tell whether a function may create tasks; `api` may."""
    if target == API:
        return True
    function = FUNCTIONS[target]
    return function.method != "GET" and target in _users_of_the_engine(function.module)


def check_table(settings: Settings) -> None:
    """Raise Unusable, naming the function, for a table that cannot be deployed."""
    for target, function in FUNCTIONS.items():
        name = deployed_name(target, settings)
        if len(name) > MAX_NAME:
            raise Unusable(
                f"{target}: the name of its service {name} has {len(name)} characters, more than "
                f"the {MAX_NAME} of a service with tagged revisions: choose a shorter name in "
                "main.py" + (" or a shorter PREFIX" if settings.prefix else "")
            )
        if function.invoker not in INVOKERS:
            raise Unusable(
                f"{target}: invoker is one of {', '.join(INVOKERS)}, not {function.invoker}"
            )
        _check_environment(target, function)
        if function.max_instances < 1:
            raise Unusable(f"{target}: max_instances is positive, not {function.max_instances}")
    _check_instances(settings)
    if settings.mode == "api":
        merge(FUNCTIONS.values())


def _check_instances(settings: Settings) -> None:
    """Raise Unusable if the functions together may exceed the region's quota of instances."""
    most = sum(function.max_instances for function in FUNCTIONS.values())
    if most > int(settings.instances):
        largest = max(FUNCTIONS, key=lambda target: FUNCTIONS[target].max_instances)
        raise Unusable(
            f"max_instances of all functions add up to {most}, but the region's quota is "
            f"{settings.instances}: busy functions would starve the others. Lower some in "
            f"main.py ({largest} has {FUNCTIONS[largest].max_instances}), or, if the quota is "
            f"higher, set INSTANCES={most} (in the build _INSTANCES)"
        )


def merge(functions: Iterable[Function]) -> Function:
    """Return the settings of `api`: the highest limits of all functions, and all their variables.

    Raises Unusable if two functions set a variable to different values.
    """
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
    """Return each secret of the table with each function that uses it."""
    return sorted(
        {
            (stated.partition(":")[0], target)
            for target, function in FUNCTIONS.items()
            for stated in function.secrets.values()
        }
    )


def bytes_of(memory: str) -> int:
    """Return the bytes of a quantity such as 512Mi or 1Gi."""
    number, unit = re.fullmatch(r"(\d+)([KMG]i?)?", memory).groups()  # type: ignore[union-attr]
    power = " KMG".index((unit or " ")[0])
    return int(number) * int((1024 if (unit or "").endswith("i") else 1000) ** power)


def _check_environment(target: str, function: Function) -> None:
    for name in [*function.env, *function.secrets]:
        if not _VARIABLE.fullmatch(name):
            raise Unusable(f"{target}: {name!r} is not a valid name of an environment variable")
        if _OURS.fullmatch(name):
            raise Unusable(f"{target}: the deployment sets {name}; choose another name")
    if twice := set(function.env) & set(function.secrets):
        raise Unusable(
            f"{target}: {min(twice)} is in env and in secrets; write it in only one of them"
        )
    for name, stated in function.secrets.items():
        if not _SECRET.fullmatch(stated):
            raise Unusable(f'{target}: write secrets={{"{name}": "name:version"}}, not {stated!r}')


def _merged(stated: Iterable[Mapping[str, str]]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for each in stated:
        for name, value in each.items():
            if merged.setdefault(name, value) != value:
                raise Unusable(
                    f"with MODE=api all functions share their variables: {name} cannot be both "
                    f"{merged[name]!r} and {value!r}"
                )
    return merged


@cache
def _users_of_the_engine(module: str) -> set[str]:
    """Return the functions of a module that use the engine, without importing the module.

    The build's Python lacks the packages that the module imports.
    """
    source = (PROJECT / (module.replace(".", "/") + ".py")).read_text()
    return {
        each.name
        for each in ast.parse(source).body
        if isinstance(each, ast.FunctionDef) and _HANDED.search(ast.unparse(each))
    }
