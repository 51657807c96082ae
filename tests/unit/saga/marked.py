"""Random types with marks at random places, each with a JSON value and its secrets."""

from dataclasses import dataclass, make_dataclass, replace
from typing import Any

import msgspec
from hypothesis import strategies as st

from lib.saga.definition.types.secret import REDACTED, Secret


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A type, a value of it, the part that may be shown, and its secrets."""

    kind: Any
    value: Any
    shown: Any
    secrets: tuple[Any, ...] = ()
    #: The secrets if the whole value is marked.
    all_of_it: tuple[Any, ...]


def samples() -> st.SearchStrategy[Sample]:
    return st.recursive(
        st.one_of(leaves(), leaves().map(mark)),
        lambda inner: st.one_of(
            inner.map(list_of),
            inner.map(dict_of),
            inner.map(optional),
            inner.map(mark),
            st.lists(inner, min_size=1, max_size=3).map(tuple_of),
            st.builds(object_of, st.lists(inner, max_size=3), st.booleans()),
        ),
        max_leaves=8,
    )


def leaves() -> st.SearchStrategy[Sample]:
    numbers = st.integers(-(2**63), 2**63 - 1)
    floats = st.floats(allow_nan=False, allow_infinity=False)
    kinds: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (str, st.text(max_size=8)),
        (int, numbers),
        (bool, st.booleans()),
        (float, floats),
    ]
    return st.one_of(*(values.map(leaf_of(kind)) for kind, values in kinds))


def leaf_of(kind: Any) -> Any:
    return lambda value: Sample(kind=kind, value=value, shown=value, all_of_it=(value,))


def mark(inner: Sample) -> Sample:
    marked: Any = Secret[inner.kind]  # type: ignore[name-defined, misc]
    return replace(inner, kind=marked, shown=REDACTED, secrets=inner.all_of_it)


def optional(inner: Sample) -> Sample:
    return replace(inner, kind=inner.kind | None)


def list_of(inner: Sample) -> Sample:
    return Sample(
        kind=list[inner.kind],  # type: ignore[name-defined]
        value=[inner.value] * 2,
        shown=[inner.shown] * 2,
        secrets=inner.secrets * 2,
        all_of_it=inner.all_of_it * 2,
    )


def dict_of(inner: Sample) -> Sample:
    return Sample(
        kind=dict[str, inner.kind],  # type: ignore[name-defined]
        value={"some key": inner.value},
        shown={"some key": inner.shown},
        secrets=inner.secrets,
        all_of_it=("some key", *inner.all_of_it),
    )


def tuple_of(inner: list[Sample]) -> Sample:
    return Sample(
        kind=tuple[tuple(each.kind for each in inner)],  # type: ignore[misc]
        value=[each.value for each in inner],
        shown=[each.shown for each in inner],
        secrets=tuple(secret for each in inner for secret in each.secrets),
        all_of_it=tuple(secret for each in inner for secret in each.all_of_it),
    )


def object_of(inner: list[Sample], as_struct: bool) -> Sample:
    fields = [(f"field{index}", each.kind) for index, each in enumerate(inner)]
    kind: Any = make_dataclass("Made", fields)
    names = [name for name, _ in fields]
    if as_struct:
        kind = msgspec.defstruct("Made", fields, rename="upper")
        names = [name.upper() for name in names]
    items = tuple_of(inner) if inner else Sample(kind=None, value=[], shown=[], all_of_it=())
    return replace(
        items,
        kind=kind,
        value=dict(zip(names, items.value, strict=True)),
        shown=dict(zip(names, items.shown, strict=True)),
    )
