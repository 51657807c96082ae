"""Random queries on random composite indexes are refused here and by Google's classic emulator,
or by neither.

Each kind has composite indexes of its own, as a small index file would give them; the classic
emulator is started so that it enforces them. ``SEQUENCES`` says how many queries are tried.
"""

import os
from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from local.datastore.api.server import serve
from local.datastore.storage.indexes import Definition
from tests.contract.conftest import need_emulators
from tests.contract.differential.classic_differences import CLASSIC_DIFFERENCES
from tests.contract.differential.differences import is_known
from tests.contract.differential.queries import Selection
from tests.contract.differential.session import attempt
from tests.contract.wire import Wire
from tests.support.emulators import start_enforcing_emulator

COUNT = os.environ.get("SEQUENCES")
NAMES = ["a", "b", "c"]
#: The number of kinds, with none to four indexes each.
KINDS = 60


def draw_indexes(random: Random) -> list[Definition]:
    """Return the indexes of all kinds."""
    found = []
    for number in range(KINDS):
        for _ in range(random.randrange(5)):
            ancestor = random.random() < 0.3
            names = random.sample(NAMES, random.choice([1, 2, 3] if ancestor else [2, 2, 3]))
            columns = tuple((name, random.random() < 0.4) for name in names)
            found.append(Definition(f"K{number}", ancestor, columns))
    return sorted(set(found))


INDEXES = draw_indexes(Random(5))


def write_xml(definition: Definition) -> str:
    """Return an index as the classic emulator's own file has it."""
    properties = "".join(
        f'<property name="{name}" direction="{"desc" if down else "asc"}"/>'
        for name, down in definition.columns
    )
    ancestor = str(definition.ancestor).lower()
    return f'<datastore-index kind="{definition.kind}" ancestor="{ancestor}">{properties}'


@pytest.fixture(scope="module")
def wires(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Wire]]:
    """The enforcing emulator and a server of ours, with the same indexes and the same entities."""
    need_emulators("classic")
    folder = tmp_path_factory.mktemp("indexes")
    elements = "</datastore-index>".join([*map(write_xml, INDEXES), ""])
    emulator = start_enforcing_emulator(
        folder, f'<datastore-indexes autoGenerate="false">{elements}</datastore-indexes>'
    )
    (folder / "index.yaml").write_text(
        "\n".join(["indexes:", *(one.describe() for one in INDEXES)])
    )
    ours = serve(folder / "ours", index_file=folder / "index.yaml")
    emulator.wait_until_ready()
    opened = [Wire(host, "n") for host in (emulator.host, ours.host)]
    for wire in opened:
        fill(wire)
    yield opened
    for wire in opened:
        wire.close()
    ours.stop()
    emulator.stop()


def fill(wire: Wire) -> None:
    """Put a few entities of each kind: with all values of two properties, and without a third."""
    for number in range(KINDS):
        mutations = [
            wire.mutation("upsert", ("P", 1, f"K{number}", n + 1), a=n % 2, b=n // 2, c=n % 3)
            for n in range(4)
        ]
        mutations.append(wire.mutation("upsert", ("P", 2, f"K{number}", 9), a=1, b=1))
        wire.commit(*mutations)


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    """Return a query that the classic emulator understands: one property has inequalities."""
    names = draw(st.permutations(NAMES))
    equated = draw(st.integers(0, 3))
    where: list[tuple[Any, ...]] = [(name, "=", 1) for name in names[:equated]]
    if draw(st.booleans()):
        where.append(("__key__", "has ancestor", ("P", 1)))
    if equated < 3 and draw(st.booleans()):
        where.append((names[equated], draw(st.sampled_from(["<", ">="])), 1))
    elif draw(st.integers(0, 4)) == 0:
        where.append(("__key__", draw(st.sampled_from(["=", ">"])), ("P", 1, "K0", 2)))
    ordered = draw(st.lists(st.sampled_from([*names, "__key__"]), max_size=3, unique=True))
    order = tuple(draw(st.sampled_from(["", "", "-"])) + name for name in ordered)
    projections = [(), *([one] for one in NAMES), ["__key__"], *combinations(NAMES, 2)]
    project = tuple(draw(st.one_of(st.just(()), st.sampled_from(projections))))
    distinct = project if draw(st.booleans()) and project != ("__key__",) else ()
    kind = f"K{draw(st.integers(0, KINDS - 1))}"
    return Selection(kind, tuple(where), order, project, distinct)


def find(wire: Wire, selection: Selection) -> list[int]:
    """Return what a query finds, in no order; grpc.RpcError when it is refused."""
    results = wire.run(selection.build(wire)).entity_results
    # Which of equal ones is distinct is not what is compared here.
    return sorted(0 if selection.distinct else one.entity.key.path[-1].id for one in results)


@settings(
    max_examples=int(COUNT or 300),
    deadline=None,
    derandomize=COUNT is None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    print_blob=True,
)
@given(selection=selections())
def test_both_servers_refuse_a_query_or_neither(wires: list[Wire], selection: Selection) -> None:
    assume(not is_known(selection, CLASSIC_DIFFERENCES))
    expected, ours = (attempt(find, wire, selection) for wire in wires)
    event(expected[0])
    assert ours == expected, [one for one in INDEXES if one.kind == selection.kind]


def test_both_refuse_and_both_serve(wires: list[Wire]) -> None:
    served = next(one for one in INDEXES if not one.ancestor and len(one.columns) == 3)
    order = tuple(f"{'-' * down}{name}" for name, down in served.columns)
    for wire in wires:
        assert find(wire, Selection(served.kind, (), order))
        with pytest.raises(grpc.RpcError) as refused:
            wire.run(Selection("P", (), order).build(wire))
        assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
