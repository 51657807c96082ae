"""What the marks and the annotations of a model mean."""

import copy
import dataclasses
import pickle
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Any

import msgspec
import pytest

from lib.datastore import (
    Excluded,
    Flatten,
    GeoPoint,
    Id,
    Indexed,
    OmitEmpty,
    Parent,
    Renamed,
    Version,
    entity,
    key_of,
)
from lib.datastore.mapping import entities
from lib.datastore.mapping.compiler import Compiler
from lib.datastore.model.schema import model_of
from lib.errors import Invalid, Unreadable
from tests.unit.datastore.models import (
    PARTITION,
    Address,
    Everything,
    Line,
    Stamped,
    Task,
    load,
    save,
)
from tests.unit.datastore.test_save_and_load import make_everything

EAST = timezone(timedelta(hours=5))


@entity(kind="Renamed")
@dataclass(slots=True, kw_only=True)
class Options:
    id: Id[str]
    region_id: Parent[str]
    shop: Annotated[int, Parent("Store")]
    renamed: Annotated[str, Renamed("other"), Indexed] = ""
    omitted: OmitEmpty[int] = 3
    excluded: Excluded[str] = "not stored"
    home: Flatten[Address] = field(default_factory=Address)
    away: Annotated[Address, Flatten, Renamed("trip")] = field(default_factory=Address)
    version: Version = 0


def stored(value: Any) -> dict[str, Any]:
    return dict(save(value).entity.properties)


def test_excluded_renamed_omitted_and_flattened_fields_are_stored_as_marked() -> None:
    properties = stored(Options(id="a", region_id="eu", shop=4, omitted=0, excluded="x"))
    assert set(properties) == {"other", "home.city", "home.street", "trip.city", "trip.street"}
    assert "omitted" in stored(Options(id="a", region_id="eu", shop=4, omitted=1))


def test_an_omitted_value_loads_as_the_empty_value_whatever_the_default() -> None:
    loaded = load(Options, save(Options(id="a", region_id="eu", shop=4, omitted=0)))
    assert loaded.omitted == 0
    assert loaded.excluded == "not stored"


def test_ancestors_are_the_parent_fields_from_the_root_down() -> None:
    path = key_of(Options(id="a", region_id="eu", shop=4)).path
    assert path == (("Region", "eu"), ("Store", 4), ("Renamed", "a"))


def test_only_marked_fields_are_indexed_in_nested_values_too() -> None:
    properties = stored(make_everything(lines=[Line(sku="a", quantity=1)], tags=["x"]))
    unindexed = {name for name, value in properties.items() if value.exclude_from_indexes}
    assert {"text", "blob", "ratio", "level", "either", "counts", "anything"} <= unindexed
    assert not {"flag", "number", "at", "colour", "home"} & unindexed
    home = properties["home"].entity_value.properties
    assert not home["city"].exclude_from_indexes
    assert home["street"].exclude_from_indexes
    line = properties["lines"].array_value.values[0]
    assert line.exclude_from_indexes
    assert line.entity_value.properties["sku"].exclude_from_indexes
    assert not properties["lines"].exclude_from_indexes
    assert not properties["tags"].array_value.values[0].exclude_from_indexes


def with_unknown(value: Any) -> Any:
    result = save(value)
    result.entity.properties["added later"].geo_point_value.latitude = 47.5
    return result


def test_unknown_properties_survive_load_replace_and_save() -> None:
    loaded = load(Task, with_unknown(Task(id=1, task_list_id="a")))
    changed = dataclasses.replace(loaded, priority=9)
    again = stored(changed)
    assert again["added later"].geo_point_value.latitude == 47.5
    assert again["priority"].integer_value == 9


def test_unknown_properties_survive_in_nested_entities_and_copies() -> None:
    result = save(make_everything(lines=[Line(sku="a", quantity=1)]))
    line = result.entity.properties["lines"].array_value.values[0]
    line.entity_value.properties["new"].integer_value = 3
    loaded = pickle.loads(pickle.dumps(copy.deepcopy(load(Everything, result))))
    saved = stored(loaded)["lines"].array_value.values[0].entity_value
    assert saved.properties["new"].integer_value == 3


def test_equality_repr_and_rendering_ignore_unknown_properties() -> None:
    plain = Task(id=1, task_list_id="a", version=5)
    loaded = load(Task, with_unknown(plain))
    assert loaded == plain
    assert "added later" not in repr(loaded)
    assert "_unknown" not in msgspec.to_builtins(plain)


def test_a_model_keeps_its_name_its_slots_and_its_own_methods() -> None:
    assert Task.__name__ == "Task"
    assert not hasattr(Task(id=1, task_list_id="a"), "__dict__")
    with pytest.raises(TypeError, match="unexpected keyword"):
        Task(id=1, task_list_id="a", nonsense=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("number", "7", "must be int, not str"),
        ("number", True, "must be int, not bool"),
        ("number", 2**63, "does not fit into 64 bits"),
        ("flag", 1, "must be bool, not int"),
        ("text", b"x", "must be str, not bytes"),
        ("text", "\ud800", "has an unpaired surrogate: not text"),
        ("text", "x" * 1_048_488, "is over 1048487 bytes"),
        ("ratio", 2**53 + 1, "is an int that a float cannot hold exactly"),
        ("maybe", "é" * 751, "is over 1500 bytes, the maximum for an indexed value"),
        ("either", 1.5, "must be int | str, not float"),
        ("at", datetime(2026, 1, 1), "has no time zone"),
        ("at", datetime.min.replace(tzinfo=EAST), "before year 1"),
        ("home", None, "must be Address, not NoneType"),
        ("place", GeoPoint(90.5, 0), "is out of range"),
        ("place", GeoPoint(0, float("nan")), "is out of range"),
        ("place", (1.0, 2.0), "must be GeoPoint, not tuple"),
        ("anything", object(), "is of a type that cannot be stored: object"),
        ("anything", [[1]], "is a list in a list, which Datastore does not store"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_naming_its_field(
    name: str, value: Any, reason: str
) -> None:
    with pytest.raises(Invalid) as refused:
        save(make_everything(**{name: value}))
    assert reason in refused.value.detail
    assert refused.value.field is not None
    assert refused.value.field.startswith(name)
    assert "Everything" in refused.value.detail


def test_the_error_names_the_path_to_a_nested_value() -> None:
    lines: list[Any] = [Line(sku="a", quantity=1), Line(sku="b", quantity="2")]  # type: ignore[arg-type]
    with pytest.raises(Invalid) as refused:
        save(make_everything(lines=lines))
    assert refused.value.field == "lines[1].quantity"


def nest(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"in": value}
    return value


def test_twenty_levels_are_stored_and_one_more_is_refused() -> None:
    assert load(Everything, save(make_everything(anything=nest(20)))).anything == nest(20)
    with pytest.raises(Invalid, match="nested more than 20 levels deep"):
        save(make_everything(anything=nest(21)))


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    with pytest.raises(Invalid, match="nested more than 20 levels deep"):
        save(make_everything(anything=endless))


@pytest.mark.parametrize("name", ["", "__x__", "x" * 1501])
def test_names_in_dicts_follow_the_rules_of_property_names(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        save(make_everything(counts={name: 1}))
    assert refused.value.field == "counts"


def test_a_stored_value_of_another_type_names_kind_key_and_property() -> None:
    result = save(Task(id=7, task_list_id="a"))
    result.entity.properties["priority"].string_value = "high"
    with pytest.raises(Unreadable) as refused:
        load(Task, result)
    for part in ("TaskList('a')/Task(7)", "priority", "must be int, but str is stored"):
        assert part in refused.value.detail


def test_a_missing_property_without_a_default_names_kind_key_and_property() -> None:
    result = save(make_everything())
    del result.entity.properties["text"]
    with pytest.raises(Unreadable, match=r"Everything Everything\('e'\): text is missing"):
        load(Everything, result)


def test_an_unknown_enum_value_is_an_error_and_not_a_guess() -> None:
    result = save(make_everything())
    result.entity.properties["colour"].string_value = "green"
    with pytest.raises(Unreadable, match="must be a Colour, but another str is stored"):
        load(Everything, result)


@entity
@dataclass(slots=True, kw_only=True)
class Adult:
    id: Id[str]
    born: int

    def __post_init__(self) -> None:
        if self.born > 2000:
            raise ValueError(f"{self.id} was born in {self.born}")


def test_an_error_of_a_class_is_quoted_only_on_a_developers_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = save(Adult(id="ann", born=1999))
    result.entity.properties["born"].integer_value = 2011
    with pytest.raises(Unreadable, match=r"raised ValueError in __post_init__ \(test_models.py:"):
        load(Adult, result)
    with pytest.raises(Unreadable) as refused:
        load(Adult, result)
    assert "2011" not in str(refused.value)
    monkeypatch.setattr(entities, "config", lambda: SimpleNamespace(log_texts=True))
    with pytest.raises(Unreadable, match="ann was born in 2011"):
        load(Adult, result)


def test_a_missing_property_takes_its_default_or_none() -> None:
    result = save(make_everything(previous=Address(city="x")))
    del result.entity.properties["previous"]
    assert load(Everything, result).previous is None
    fresh = save(Task(id=1, task_list_id="a", priority=4, tags=["x"]))
    del fresh.entity.properties["priority"]
    del fresh.entity.properties["tags"]
    loaded = load(Task, fresh)
    assert (loaded.priority, loaded.tags) == (0, [])


def test_a_stored_integer_is_read_as_a_float() -> None:
    result = save(make_everything())
    result.entity.properties["ratio"].integer_value = 3
    assert load(Everything, result).ratio == 3.0


def test_automatic_times_are_not_stored_while_unset() -> None:
    assert "expires_at" not in stored(Stamped(id="a"))


def test_a_model_names_the_property_for_a_ttl_policy() -> None:
    assert model_of(Stamped).expires == "expires_at"
    assert model_of(Task).expires is None


def declare(**annotations: Any) -> type[Any]:

    made = type("Bad", (), {"__annotations__": annotations, "__module__": __name__})
    return entity(dataclass(kw_only=True)(made))


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ({"id": Id[str], "x": list[list[int]]}, "a list in a list"),
        ({"id": Id[str], "x": set[int]}, "cannot be stored in Datastore: declare a list instead"),
        ({"id": Id[str], "x": Decimal}, "declare an int of the smallest unit, or a str instead"),
        ({"id": Id[str], "x": date | None}, "declare a datetime with a time zone, or a str"),
        ({"id": Id[str], "x": type}, "cannot be stored in Datastore$"),
        ({"id": Id[str], "x": Task}, "its own key or version"),
        ({"id": Id[float]}, "an int or a str"),
        ({"id": Id[str], "x": Excluded[int]}, "needs a default"),
        ({"id": Id[str], "other": Id[str]}, "one Id"),
        ({"id": Id[str], "x": Flatten[int]}, "only a nested dataclass"),
        ({"id": Id[str], "x": int, "y": Annotated[int, Renamed("x")]}, "two fields are stored"),
        ({"id": Id[str], "x": dict[int, int]}, "names of properties are str"),
    ],
)
def test_a_model_that_cannot_be_stored_is_refused_when_it_is_declared(
    annotations: dict[str, Any], reason: str
) -> None:
    with pytest.raises(TypeError, match=reason):
        declare(**annotations)


def test_a_class_that_cannot_be_compiled_is_refused_each_time() -> None:
    compiler = Compiler(PARTITION)

    @dataclass
    class Bad:
        fine: int
        bad: set[int]

    for _ in range(2):
        with pytest.raises(TypeError, match="cannot be stored"):
            compiler.plan_of(Bad)
