"""Commits, and what of their answers can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.contract.differential.session import Session, read_key, read_values
from tests.contract.wire import Path


@dataclass(frozen=True)
class Write:
    """One mutation; ``base`` states the current version, if there is an entity, or a stale one."""

    verb: str
    path: Path
    properties: Mapping[str, Any]
    mask: tuple[str, ...] | None = None
    transforms: tuple[tuple[str, str, Any], ...] = ()
    base: str | None = None

    def build(self, session: Session) -> Any:
        """Return the message."""
        mutation = session.wire.mutation(self.verb, self.path, **self.properties)
        if self.mask is not None:
            mutation.property_mask.SetInParent()
            mutation.property_mask.paths.extend(self.mask)
        for name, transform, operand in self.transforms:
            one = mutation.property_transforms.add(property=name)
            if transform == "set_to_server_value":
                one.set_to_server_value = one.REQUEST_TIME
            else:
                getattr(one, transform).CopyFrom(_build_operand(session, operand))
        version = session.find_version(self.path) if self.base else 0
        if self.base == "stale" or version:
            mutation.base_version = version if self.base == "current" else max(1, version - 1)
            mutation.conflict_resolution_strategy = mutation.FAIL
        return mutation


def _build_operand(session: Session, operand: Any) -> Any:
    value = session.wire.value(operand)
    return value.array_value if isinstance(operand, list) else value


def read_results(writes: Sequence[Write], response: Any) -> Any:
    """Return what of a commit's results can be compared: see differences."""
    paths = [one.path for one in writes]
    return [
        _read_result(one, last=path not in paths[number + 1 :])
        for number, (path, one) in enumerate(zip(paths, response.mutation_results, strict=True))
    ]


def _read_result(result: Any, *, last: bool) -> Any:
    transformed = [read_values({"": one}) for one in result.transform_results]
    times = (result.create_time == result.update_time, result.HasField("update_time"))
    return read_key(result.key), transformed, last and times, result.conflict_detected


@dataclass(frozen=True)
class Commit:
    """Mutations without a transaction or in one of their own."""

    writes: tuple[Write, ...]
    single_use: bool

    def perform(self, session: Session) -> Any:
        """Commit; what it stored may be read again at its time."""
        built = [one.build(session) for one in self.writes]
        response = session.wire.commit(*built, single_use=self.single_use)
        if self.single_use:
            session.times.append(response.commit_time)
        return read_results(self.writes, response)
