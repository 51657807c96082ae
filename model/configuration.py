"""One configuration of the model: what is explored, and what must come of it."""

from dataclasses import dataclass
from enum import StrEnum


class Expectation(StrEnum):
    """What must come of exploring a configuration."""

    #: No schedule breaks a promise.
    PASSES = "passes"
    #: A rule of the protocol is broken on purpose: a schedule that breaks a promise is found.
    FAILS = "error found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A file of the model with its defines, as for the C preprocessor: `N=3 FAULTS=1`.

    `liveness` looks for runs that never end instead of wrong states. `is_long` configurations are
    left out of `make model`.
    """

    name: str
    claim: str
    defines: str = ""
    source: str = "saga.pml"
    expectation: Expectation = Expectation.PASSES
    liveness: bool = False
    is_long: bool = False
