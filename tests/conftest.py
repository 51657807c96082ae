import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from demo.caller import Caller
from local.stack import Stack

# A busy machine is not a fault of the tested code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Schedule by modules if `-n` is given without `--dist`."""
    from tests.support.scheduler import ModuleScheduling

    return ModuleScheduling(config, log) if config.getvalue("dist") == "load" else None


def pytest_report_header() -> str:
    """Say which Datastores the contract cases run on."""
    missing = [name for name in ("gcloud", "java") if shutil.which(name) is None]
    if missing:
        return f"contract cases: the local Datastore alone ({' and '.join(missing)} not installed)"
    return "contract cases: the local Datastore and Google's two emulators"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums of counts that tests recorded with `record_property("counted: ...", n)`."""
    counted: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, number in report.user_properties:
            if name.startswith("counted: "):
                counted[name.removeprefix("counted: ")] += number
    for name, number in counted.items():
        terminalreporter.write_line(f"{name}: {number}")


@pytest.fixture(autouse=True)
def unchanged_table() -> Iterator[None]:
    """Fail a test that leaves main's table, or its order, changed for later tests."""
    before = _list_functions()
    yield
    after = _list_functions()
    assert not before or after == before, "this test leaves the table of main.py changed"


def _list_functions() -> list[str]:
    return list(vars(sys.modules["main"])["FUNCTIONS"]) if "main" in sys.modules else []


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, started once; tests use different ids to avoid conflicts."""
    data: Path = tmp_path_factory.mktemp("stack")
    with Stack(data=data, port=0, env={"AMENDS_ALLOW_FAULTS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def caller(stack: Stack) -> Caller:
    return Caller(stack.url)
