"""The report of an exploration: the number of schedules, and which faults hit which elements."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lib.saga.testing.simulation.faults.kinds import Fault, Point


@dataclass(frozen=True, slots=True)
class Report:
    """The number of schedules, and counts of faults and of final statuses.

    `coverage` counts each kind of fault for each element, `child/element` for a child's. `faults`
    counts each kind in total, including the start, sweeps and operators' requests. `ended` counts
    the final statuses of the saga: if it is always FAILED, a compensation, or a step after the
    pivot, never succeeds. `str()` makes a table of all this.
    """

    schedules: int
    coverage: Mapping[str, Mapping[str, int]]
    ended: Mapping[str, int]
    faults: Mapping[str, int]

    def add(self, other: "Report") -> "Report":
        """Return the combined report of two explorations of the same saga."""
        coverage = {
            label: Counter(met) + Counter(other.coverage.get(label, {}))
            for label, met in self.coverage.items()
        }
        return Report(
            self.schedules + other.schedules,
            coverage,
            Counter(self.ended) + Counter(other.ended),
            Counter(self.faults) + Counter(other.faults),
        )

    @property
    def unmet(self) -> tuple[str, ...]:
        """The elements that no fault hit: they are untested."""
        return tuple(label for label, met in self.coverage.items() if not met)

    def __str__(self) -> str:
        ended = ", ".join(f"{status} {count}" for status, count in sorted(self.ended.items()))
        lines = [f"{self.schedules} schedules, the saga in the end: {ended}"]
        for label, met in self.coverage.items():
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(met.items()))
            lines.append(f"{label}: {kinds or 'met no fault'}")
        return "\n".join(lines)


@dataclass(slots=True)
class Coverage:
    """Counts which faults hit which elements, over all schedules."""

    labels: Iterable[str]
    met: dict[str, Counter[str]] = field(init=False)
    all: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.met = {label: Counter() for label in self.labels}

    def add(self, hits: Iterable[tuple[Point, Fault]]) -> None:
        """Count the faults of one schedule."""
        for point, fault in hits:
            self.all[str(fault.kind)] += 1
            if point.label in self.met:
                self.met[point.label][str(fault.kind)] += 1
