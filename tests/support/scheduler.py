"""Assigns tests to workers of `pytest -n`, so that a module's fixtures are set up once."""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: Tests on Google's emulators, Java processes that take seconds to start.
_EMULATED = re.compile(r"tests/contract/differential/|\[(.+-)?(classic|fsd)(-.+)?\]$")


class ModuleScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no annotations
    """Gives each worker one module at a time, in order, and emulator tests to one worker."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # xdist runs modules with few, slow tests last
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return "emulators" if _EMULATED.search(nodeid) else nodeid.partition("::")[0]
