"""The table of functions: complete, lazy, and accepted by functions-framework."""

import re
import types
from pathlib import Path

import pytest

import main
from lib.edge.caller.access import INVOKERS
from local.stack.supervisor import PROJECT
from tests.support.processes import run_python


@pytest.mark.parametrize("name", [*main.MODULE_OF, *main.ROUTERS])
def test_every_function_of_the_table_is_a_real_function_with_a_docstring(name: str) -> None:
    function = getattr(main, name)
    assert isinstance(function, types.FunctionType)
    assert function.__doc__


@pytest.mark.parametrize("name", main.FUNCTIONS)
def test_the_table_and_the_endpoint_state_the_same_method_and_caller(name: str) -> None:
    function, stated = getattr(main, name), main.FUNCTIONS[name]
    assert function.method == stated.method
    assert function.invoker == stated.invoker


def test_every_entry_of_the_table_can_be_deployed() -> None:
    for name, function in main.FUNCTIONS.items():
        assert function.invoker in INVOKERS, name
        assert 0 < function.timeout <= 3595, f"{name}: Cloud Run answers within an hour"
        assert re.fullmatch(r"[1-9]\d*(Mi|Gi)", function.memory), name
        # A predictable address has at most 63 characters for name, tag and project.
        assert len(name) <= 30, name


def test_every_endpoint_is_in_the_table() -> None:
    for path in Path(PROJECT, "functions").glob("*.py"):
        decorated = path.read_text().split("@endpoint(")[1:]
        names = {part.split("def ", 1)[1].split("(", 1)[0] for part in decorated}
        assert names == {
            name for name, module in main.MODULE_OF.items() if module.endswith(path.stem)
        }


def test_the_worker_serves_only_what_google_calls() -> None:
    assert set(main.ROUTERS["worker"]) == {"run_saga_step", "sweep_sagas"}
    assert set(main.ROUTERS["api"]) == set(main.FUNCTIONS)
    assert not set(main.ROUTERS) & set(main.FUNCTIONS), "these names are taken by main.ROUTERS"


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_function"):
        main.no_such_function  # noqa: B018


def test_loading_the_table_loads_none_of_the_functions() -> None:
    loaded = run_python(
        "import sys, main; print([m for m in sys.modules if m.startswith(('lib', 'domain'))])"
    )
    assert loaded == "[]"


def test_importing_every_module_opens_no_channel_and_starts_no_thread() -> None:
    code = (
        "import importlib, pkgutil, threading, grpc, main, functions, domain, lib\n"
        "def refuse(*a, **k): raise AssertionError('a channel at import')\n"
        "grpc.insecure_channel = grpc.secure_channel = refuse\n"
        "names = [each.name for package in (functions, domain, lib) for each in\n"
        "         pkgutil.walk_packages(package.__path__, package.__name__ + '.')\n"
        "         if not each.name.endswith('__main__')]\n"
        "[importlib.import_module(name) for name in names]\n"
        "[getattr(main, name) for name in main.MODULE_OF]\n"
        "print(len(names) > 50, threading.active_count())"
    )
    assert run_python(code) == "True 1"


#: The functions that let a caller wait for a saga load the modules for that.
WAIT = {
    f"functions.{name}": ["functions.wait"]
    for name in ("orders", "sagas.callers", "sagas.operators")
}


@pytest.mark.parametrize("module", sorted(set(main.MODULE_OF.values())))
def test_a_function_loads_nothing_of_other_resources(module: str) -> None:
    resource = ".".join(module.split(".")[:2])  # functions.tasks.lists is one of functions.tasks
    name = next(name for name, where in main.MODULE_OF.items() if where == module)
    code = (
        f"import sys, main; main.{name}\n"
        f"print([m for m in sys.modules if m.startswith('functions.')\n"
        f"       and not m.startswith('{resource}')])"
    )
    shared = ["functions.clients", "functions.edge", *WAIT.get(module, [])]
    assert run_python(code) == str(shared)


def test_every_client_of_google_runs_on_the_c_implementation_of_protobuf() -> None:
    code = (
        "from google.protobuf.internal import api_implementation\nprint(api_implementation.Type())"
    )
    assert run_python(code) == "upb"


@pytest.mark.parametrize("package", ["aiohttp", "chardet", "grpcio-tools", "opentelemetry-sdk"])
def test_packages_that_slow_cold_starts_are_not_installed(package: str) -> None:
    pins = (PROJECT / "requirements.txt").read_text()
    assert not re.search(rf"^{package}==", pins, re.MULTILINE | re.IGNORECASE)


def test_a_function_without_sagas_does_not_load_cloud_tasks() -> None:
    code = (
        "import sys, main; main.create_task_list\n"
        "print({'google.cloud.tasks_v2', 'lib.saga.engine.engine'} & {*sys.modules})"
    )
    assert run_python(code) == "set()"
