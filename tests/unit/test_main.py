"""The table of functions: complete, lazy, and made of what functions-framework takes."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

import main
from local.supervisor import PROJECT


@pytest.mark.parametrize("name", [*main.MODULE_OF, "api"])
def test_every_function_of_the_table_is_a_real_function_with_a_docstring(name: str) -> None:
    function = getattr(main, name)
    assert isinstance(function, types.FunctionType)
    assert function.__doc__


def test_every_endpoint_is_in_the_table() -> None:
    for path in Path(PROJECT, "functions").glob("*.py"):
        decorated = path.read_text().split("@endpoint(")[1:]
        names = {part.split("def ", 1)[1].split("(", 1)[0] for part in decorated}
        assert names == {
            name for name, module in main.MODULE_OF.items() if module.endswith(path.stem)
        }


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError):
        main.no_such_function  # noqa: B018


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_loading_the_table_loads_none_of_the_functions() -> None:
    loaded = run_python("import sys, main; print([m for m in sys.modules if m.startswith('lib')])")
    assert loaded == "[]"


def test_importing_every_function_opens_no_channel_and_starts_no_thread() -> None:
    code = (
        "import threading, grpc, main\n"
        "def refuse(*a, **k): raise AssertionError('a channel at import')\n"
        "grpc.insecure_channel = grpc.secure_channel = refuse\n"
        "[getattr(main, name) for name in main.MODULE_OF]\n"
        "print(threading.active_count())"
    )
    assert run_python(code) == "1"


def test_a_function_without_sagas_does_not_load_cloud_tasks() -> None:
    code = (
        "import sys, main; main.create_task_list\n"
        "print([m for m in sys.modules if m in ('google.cloud.tasks_v2', 'lib.saga.engine')])"
    )
    assert run_python(code) == "[]"
