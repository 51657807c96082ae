"""Which worker of `pytest -n` runs which tests: what is started for a module is started once."""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: A test on an emulator of Google's: a Java process each, that takes seconds to start.
_EMULATED = re.compile(r"tests/contract/differential/|\[(.+-)?(classic|fsd)(-.+)?\]$")


class ModuleScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no annotations
    """Gives a worker a module at a time, in order, and all tests on emulators to one worker."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # it runs the modules of few and slow tests last
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return "emulators" if _EMULATED.search(nodeid) else nodeid.partition("::")[0]
