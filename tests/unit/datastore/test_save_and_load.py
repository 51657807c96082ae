"""Property: any value of any annotation survives a save and a load."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.datastore import GeoPoint, Key, key
from tests.unit.datastore.models import (
    Address,
    Colour,
    Everything,
    Level,
    Line,
    Node,
    Task,
    TaskList,
    load,
    save,
)

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
NAMES = TEXT.filter(lambda text: bool(text) and not text.startswith("__"))
ZONES = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=8))]
)
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)
FLOATS = st.floats(allow_nan=False)
ADDRESSES = st.builds(Address, city=TEXT, street=TEXT)
LINES = st.builds(Line, sku=TEXT, quantity=INT64, price=st.none() | FLOATS)
NODES = st.recursive(
    st.builds(Node, name=TEXT),
    lambda inner: st.builds(Node, name=TEXT, children=st.lists(inner, max_size=3)),
    max_leaves=8,
).filter(lambda node: depth_of(node) < 9)
KEYS = st.builds(lambda name: key(TaskList, name), NAMES)
PLACES = st.builds(GeoPoint, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | INT64
    | FLOATS
    | TEXT
    | st.binary(max_size=50)
    | TIMES
    | PLACES
    | KEYS
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner.filter(lambda item: not isinstance(item, list)), max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)
EVERYTHING = st.builds(
    Everything,
    id=NAMES,
    text=TEXT,
    blob=st.binary(max_size=50),
    flag=st.booleans(),
    number=INT64,
    ratio=FLOATS,
    at=TIMES,
    colour=st.sampled_from(Colour),
    level=st.sampled_from(Level),
    maybe=st.none() | TEXT,
    either=INT64 | TEXT,
    tags=st.lists(TEXT, max_size=4),
    numbers=st.lists(INT64, max_size=4).map(tuple),
    maybes=st.lists(st.none() | INT64, max_size=4),
    lines=st.lists(LINES, max_size=3),
    home=ADDRESSES,
    work=ADDRESSES,
    previous=st.none() | ADDRESSES,
    tree=NODES,
    counts=st.dictionaries(NAMES, INT64, max_size=3),
    anything=ANYTHING,
    owner=st.none() | KEYS,
    place=st.none() | PLACES,
    kept=TEXT,
)


def depth_of(node: Node) -> int:
    return 1 + max((depth_of(child) for child in node.children), default=0)


@settings(deadline=None)  # the first example loads the message classes
@given(EVERYTHING)
def test_any_model_value_survives_save_and_load(value: Everything) -> None:
    loaded = load(Everything, save(value))
    value.version = 5
    assert loaded == value
    assert loaded.at.tzinfo is UTC


@settings(deadline=None)
@given(st.integers(1, 2**63 - 1), NAMES, INT64, TIMES | st.none(), st.lists(TEXT))
def test_ids_come_from_the_key_and_the_version_from_the_service(
    id: int, parent: str, priority: int, due_at: datetime | None, tags: list[str]
) -> None:
    task = Task(id=id, task_list_id=parent, priority=priority, due_at=due_at, tags=tags)
    result = save(task)
    assert not {"id", "task_list_id", "version"} & set(result.entity.properties)
    loaded = load(Task, result)
    assert (loaded.id, loaded.task_list_id, loaded.version) == (id, parent, 5)
    loaded.version = 0
    assert loaded == task


def test_nan_survives() -> None:
    line = Line(sku="a", quantity=1, price=math.nan)
    loaded = load(Everything, save(make_everything(lines=[line]))).lines[0]
    assert math.isnan(loaded.price)


def test_a_key_stored_as_a_value_has_its_model_again() -> None:
    loaded = load(Everything, save(make_everything(owner=key(TaskList, "a"))))
    assert loaded.owner == Key((("TaskList", "a"),))
    assert loaded.owner.model is TaskList


def make_everything(**changes: Any) -> Everything:
    values: dict[str, Any] = {
        "id": "e",
        "text": "",
        "blob": b"",
        "flag": False,
        "number": 0,
        "ratio": 0.0,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "colour": Colour.RED,
        "level": Level.LOW,
        "maybe": None,
        "either": 1,
        "tags": [],
        "numbers": (),
        "maybes": [],
        "lines": [],
        "home": Address(),
        "work": Address(),
        "previous": None,
        "tree": Node(name="root"),
        "counts": {},
        "anything": None,
        "owner": None,
    }
    return Everything(**(values | changes))
