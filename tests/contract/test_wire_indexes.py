"""Composite indexes: a query without its index is refused with the entry that it needs.

Held against our own server: Google's emulators enforce nothing by default.
"""

from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.api.server import serve
from local.datastore.storage.indexes import quote
from tests.contract.wire import Wire, list_names, refuses

INSIDE = ("__key__", "has ancestor", ("P", 1))

SERVED: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "by kind": ([], {}),
    "one order": ([], {"order": ["z"]}),
    "one descending order": ([], {"order": ["-z"]}),
    "ascending keys below one descending order": ([], {"order": ["-z", "__key__"]}),
    "one inequality": ([("z", ">", 0)], {"order": ["-z"]}),
    "equalities": ([("x", "=", 1), ("y", "=", 1), ("z", "=", 1)], {}),
    "equalities below an ancestor": ([("x", "=", 1), ("y", "=", 1), INSIDE], {}),
    "an order that equality makes pointless": ([("z", "=", 1)], {"order": ["z"]}),
    "one projected property": ([], {"project": ["z"]}),
    "alternatives": ([("z", "in", [1, 2])], {}),
    "a composite": ([("a", "=", 1)], {"order": ["-c"]}),
    "a composite for an inequality": ([("a", "=", 1), ("c", "<", 9)], {"order": ["-c"]}),
    "two composites joined": ([("a", "=", 1), ("b", "=", 1)], {"order": ["-c"]}),
    "a composite for a projection": ([], {"project": ["p", "q"]}),
    "a composite below an ancestor": ([INSIDE], {"order": ["p"]}),
    "a composite read backward when no order is named": ([("a", "=", 1), ("c", "<", 9)], {}),
    "any order of one key": (
        [("__key__", "=", ("P", 1, "K", "found"))],
        {"order": ["x", "-y"]},
    ),
}
REFUSED: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "two orders": ([], {"order": ["x", "-y"]}, "x, -y"),
    "the other direction": ([("a", "=", 1)], {"order": ["c"]}, "a, c"),
    "equality and order": ([("x", "=", 1)], {"order": ["y"]}, "x, y"),
    "equality and inequality": ([("x", "=", 1), ("y", ">", 1)], {}, "x, y"),
    "an equality that no index has": (
        [("a", "=", 1), ("x", "=", 1)],
        {"order": ["-c"]},
        "a, x, -c",
    ),
    "two inequalities": ([("x", ">", 1), ("y", ">", 1)], {}, "x, y"),
    "an order below an ancestor": ([INSIDE], {"order": ["-p"]}, "ancestor: -p"),
    "a projection": ([], {"project": ["x", "y"]}, "x, y"),
    "descending keys": ([], {"order": ["-__key__"]}, "-__key__"),
    "descending keys after an order that equality makes pointless": (
        [("x", "=", 1)],
        {"order": ["-x", "-__key__"]},
        "x, -__key__",
    ),
}


@pytest.mark.parametrize("name", SERVED)
def test_a_query_with_its_indexes_is_served(local_wire: Wire, name: str) -> None:
    where, fields = SERVED[name]
    values = dict.fromkeys("abcpqxyz", 1)
    local_wire.put("P", 1, "K", "found", **values)
    local_wire.put("P", 1, "K", "other")
    found = local_wire.names("K", *where, **fields)
    assert "found" in found
    assert ("other" in found) == (name == "by kind")


@pytest.mark.parametrize("name", REFUSED)
def test_a_query_without_its_index_is_told_which(local_wire: Wire, name: str) -> None:
    where, fields, wanted = REFUSED[name]
    refusal = refuses(StatusCode.FAILED_PRECONDITION)
    with refusal:
        local_wire.names("K", *where, **fields)
    assert describe(wanted) in refusal.details


def test_a_projection_by_key_has_no_index_at_all(local_wire: Wire) -> None:
    bounded = [("__key__", ">", ("K", 1))]
    cases: list[tuple[list[Any], list[str]]] = [([], ["__key__"]), (bounded, [])]
    for where, order in cases:
        with refuses(StatusCode.FAILED_PRECONDITION, "no index can serve a projection"):
            local_wire.names("K", *where, project=["z"], order=order)


#: Filters, the property that is summed up, and the index that there would have to be.
SUMS: dict[str, tuple[list[Any], str, str]] = {
    "of all": ([], "x", ""),
    "of what the filter's own index holds": ([("a", "=", 1)], "c", ""),
    "of the property that is filtered": ([("x", "=", 1)], "x", ""),
    "of what an equality filter has no index with": ([("x", "=", 1)], "y", "x, y"),
    "below an ancestor": ([("x", "=", 1), INSIDE], "y", "ancestor: x, y"),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_sum_needs_an_index_that_holds_its_numbers(local_wire: Wire, name: str) -> None:
    where, summed, wanted = SUMS[name]
    query = local_wire.query("K", *where)
    total = {"sum": {"property": {"name": summed}}}
    if not wanted:
        assert local_wire.aggregate(query, total) == {"property_1": 0}
        return
    refusal = refuses(StatusCode.FAILED_PRECONDITION)
    with refusal:
        local_wire.aggregate(query, total)
    assert describe(wanted) in refusal.details


def describe(wanted: str) -> str:
    """Return the entry of index.yaml for "[ancestor: ]a, -b"."""
    lines = ["- kind: K"]
    if wanted.startswith("ancestor: "):
        lines.append("  ancestor: yes")
    lines.append("  properties:")
    for column in wanted.removeprefix("ancestor: ").split(", "):
        lines.append(f"  - name: {quote(column.lstrip('-'))}")
        if column.startswith("-"):
            lines.append("    direction: desc")
    return "\n".join(lines)


@pytest.mark.parametrize("name", REFUSED)
def test_the_entry_that_a_refusal_names_is_enough(tmp_path: Path, name: str) -> None:
    where, fields, wanted = REFUSED[name]
    entities = {f"e{n}": dict.fromkeys("abcpqxyz", n) for n in range(4)}
    given = tmp_path / "index.yaml"
    given.write_text("indexes:\n" + describe(wanted))
    without = serve(tmp_path / "data", require_indexes=False)
    with Wire(without.host, "n") as wire:
        for entity, properties in entities.items():
            wire.put("P", 1, "K", entity, **properties)
        expected = wire.names("K", *where, **fields)
    without.stop()
    handle = serve(tmp_path / "data", index_file=given)
    with Wire(handle.host, "n") as wire:
        assert wire.names("K", *where, **fields) == expected
        wire.put("P", 1, "K", "e1", **dict.fromkeys("abcpqxyz", 1))
        assert wire.names("K", *where, **fields) == expected
    handle.stop()


def test_an_index_that_is_new_in_the_file_gets_every_entity(tmp_path: Path) -> None:
    without = serve(tmp_path / "data")
    with Wire(without.host, "n") as wire:
        for start in range(0, 2500, 500):
            wire.put_all({f"e{n:04}": {"x": 1, "y": -n} for n in range(start, start + 500)})
    without.stop()
    given = tmp_path / "index.yaml"
    given.write_text("indexes:\n" + describe("x, y"))
    handle = serve(tmp_path / "data", index_file=given)
    with Wire(handle.host, "n") as wire:
        ordered = wire.query("K", ("x", "=", 1), order=["y"], limit={"value": 3})
        assert list_names(wire.run(ordered)) == ["e2499", "e2498", "e2497"]
        query = wire.query("K", ("x", "=", 1), ("y", "<=", 0))
        assert wire.aggregate(query, {"count": {}}) == {"property_1": 2500}
    handle.stop()
