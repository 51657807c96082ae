"""Secret is refused where a key or an index would reveal the value."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from lib.datastore import Id, Indexed, Parent, Version, entity
from lib.datastore.model.schema import model_of
from lib.saga.definition.types.secret import Secret


@pytest.mark.parametrize(
    "hint",
    [
        Indexed[Secret[str]],
        Secret[Indexed[str]],
        Indexed[list[Secret[str]]],
        Indexed[Secret[str] | None],  # type: ignore[misc]
        Annotated[Secret[str], Indexed],
        Parent[Secret[str]],
        Id[Secret[str]],
    ],
)
def test_a_secret_that_would_become_a_key_or_an_index_is_refused(hint: Any) -> None:
    class Patient:
        id: Id[str]
        version: Version = 0

    Patient.__annotations__ = {"id": Id[str], "ssn": hint, "version": Version}
    with pytest.raises(TypeError, match=r"Patient\.ssn: a key or an index would reveal a Secret"):
        model_of(dataclass(Patient))


def test_a_secret_that_is_only_stored_is_accepted() -> None:
    @entity
    @dataclass(slots=True, kw_only=True)
    class Patient:
        id: Id[str]
        ssn: Secret[str]
        ward: Indexed[str] = ""
        version: Version = 0

    stored = {each.name: each.indexed for each in model_of(Patient).properties}
    assert stored == {"ssn": False, "ward": True}
