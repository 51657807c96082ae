"""What an exploration has done: how many schedules, and which parts met which faults."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lib.saga.testing.simulation.faults.kinds import Fault, Point


@dataclass(frozen=True, slots=True)
class Report:
    """`coverage` has how often each kind of fault struck each part, `child/part` for a child's.

    `faults` has how often each kind struck at all: the start, sweeps and operators' requests too.
    `ended` has how many runs left the saga in which status: one that is FAILED in each of them
    has a compensation, or a step past its pivot, that never works. Printed, it is a table of that.
    """

    schedules: int
    coverage: Mapping[str, Mapping[str, int]]
    ended: Mapping[str, int]
    faults: Mapping[str, int]

    def add(self, other: "Report") -> "Report":
        """Return the report of both explorations, of the same saga, together."""
        coverage = {
            part: Counter(met) + Counter(other.coverage.get(part, {}))
            for part, met in self.coverage.items()
        }
        return Report(
            self.schedules + other.schedules,
            coverage,
            Counter(self.ended) + Counter(other.ended),
            Counter(self.faults) + Counter(other.faults),
        )

    @property
    def unmet(self) -> tuple[str, ...]:
        """The parts that met no fault: nothing is known of them."""
        return tuple(part for part, met in self.coverage.items() if not met)

    def __str__(self) -> str:
        ended = ", ".join(f"{status} {count}" for status, count in sorted(self.ended.items()))
        lines = [f"{self.schedules} schedules, the saga in the end: {ended}"]
        for part, met in self.coverage.items():
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(met.items()))
            lines.append(f"{part}: {kinds or 'met no fault'}")
        return "\n".join(lines)


@dataclass(slots=True)
class Coverage:
    """Counts, schedule after schedule, which faults struck which parts."""

    parts: Iterable[str]
    met: dict[str, Counter[str]] = field(init=False)
    all: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.met = {part: Counter() for part in self.parts}

    def add(self, struck: Iterable[tuple[Point, Fault]]) -> None:
        """Count what struck in one schedule."""
        for point, fault in struck:
            self.all[str(fault.kind)] += 1
            if point.part in self.met:
                self.met[point.part][str(fault.kind)] += 1
