"""Property: any model value survives a save to and a load from every Datastore."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from lib.datastore import Store, key_of
from tests.unit.datastore.models import Everything
from tests.unit.datastore.test_save_and_load import EVERYTHING


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(EVERYTHING)
def test_any_model_value_survives_the_store(store: Store, value: Everything) -> None:
    stored = store.upsert(value)
    assert stored == replace(value, version=stored.version)
    assert store.get(key_of(value)) == stored
    assert store.transact(lambda tx: tx.find(key_of(value)), read_only=True) == stored
