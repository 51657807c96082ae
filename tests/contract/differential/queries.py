"""Queries as values, built as messages and written as GQL."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.contract.wire import Wire

#: A comparison is (property, operator, value); ("or" or "and", condition, ...) combines.
Condition = tuple[Any, ...]
_WORDS = {"in": "IN", "not in": "NOT IN", "has ancestor": "HAS ANCESTOR"}


@dataclass(frozen=True)
class Selection:
    """What a query asks for; an order that begins with - descends."""

    kind: str | None
    where: tuple[Condition, ...] = ()
    order: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    distinct: tuple[str, ...] = ()
    offset: int = 0
    limit: int | None = None

    def build(self, wire: Wire) -> Any:
        """Return the message."""
        query = wire.query(
            self.kind,
            *(_build(wire, one) for one in self.where),
            order=self.order,
            project=self.project,
            distinct=self.distinct,
        )
        query.offset = self.offset
        if self.limit is not None:
            query.limit.value = self.limit
        return query

    def write_gql(self, wire: Wire, message: Any, *, literal: bool) -> None:
        """Write the query as text into a GqlQuery, its values into the text or the bindings."""
        message.allow_literals = True
        parts = [f"SELECT {_write_projection(self)}"]
        if self.kind is not None:
            parts.append(f"FROM {self.kind}")
        if self.where:
            texts = [_write(wire, one, message, literal=literal) for one in self.where]
            parts.append("WHERE " + " AND ".join(texts))
        if self.order:
            named = [f"{one[1:]} DESC" if one.startswith("-") else one for one in self.order]
            parts.append("ORDER BY " + ", ".join(named))
        if self.limit is not None:
            parts.append(f"LIMIT {self.limit}")
        if self.offset:
            parts.append(f"OFFSET {self.offset}")
        message.query_string = " ".join(parts)

    def reverse(self) -> "Selection | None":
        """Return the selection in reverse order; None if the order is not completely given."""
        unequal = any(one[1] not in ("=", "in", "has ancestor") for one in self.list_comparisons())
        if self.project or self.distinct or (unequal and not self.order):
            return None
        named = any(one.endswith("__key__") for one in self.order)
        order = (*self.order, *([] if named else [self._order_of_keys()]))
        turned = tuple(one[1:] if one.startswith("-") else f"-{one}" for one in order)
        return replace(self, order=turned)

    def _order_of_keys(self) -> str:
        return "-__key__" if self.order and self.order[-1].startswith("-") else "__key__"

    def list_comparisons(self) -> list[Condition]:
        """Return all comparisons of the filter, however deep."""
        return [one for part in self.where for one in _flatten(part)]

    def list_combinations(self) -> list[str]:
        """Return the words that combine comparisons, however deep."""
        return [one[0] for part in self.where for one in _list_parts(part) if _is_combined(one)]


def _is_combined(condition: Condition) -> bool:
    return condition[0] in ("or", "and")


def _list_parts(condition: Condition) -> Iterator[Condition]:
    yield condition
    if _is_combined(condition):
        for one in condition[1:]:
            yield from _list_parts(one)


def _flatten(condition: Condition) -> Iterator[Condition]:
    return (one for one in _list_parts(condition) if not _is_combined(one))


def _build(wire: Wire, condition: Condition) -> Any:
    if not _is_combined(condition):
        return condition
    combine = wire.either if condition[0] == "or" else wire.filter
    return combine(*(_build(wire, one) for one in condition[1:]))


def _write_projection(selection: Selection) -> str:
    names = ", ".join(selection.project) or "*"
    if not selection.distinct:
        return names
    if selection.distinct == selection.project:
        return f"DISTINCT {names}"
    return f"DISTINCT ON ({', '.join(selection.distinct)}) {names}"


def _write(wire: Wire, condition: Condition, message: Any, *, literal: bool) -> str:
    if _is_combined(condition):
        parts = [_write(wire, one, message, literal=literal) for one in condition[1:]]
        return "(" + f" {condition[0].upper()} ".join(parts) + ")"
    name, operator, value = condition
    text = _write_literal(value) if literal else None
    if text is None:
        binding = f"v{len(message.named_bindings)}"
        message.named_bindings[binding].value.CopyFrom(wire.value(value))
        text = f"@{binding}"
    return f"{name} {_WORDS.get(operator, operator)} {text}"


def _write_literal(value: Any) -> str | None:
    """Return a value as GQL has it; None for what it has no literal for."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and "\x00" not in value:
        return f"'{value}'"
    if isinstance(value, list):
        texts = [_write_literal(one) for one in value]
        return None if None in texts else f"ARRAY({', '.join(map(str, texts))})"
    return None
