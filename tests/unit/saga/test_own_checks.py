"""A type's own check, in `__post_init__`, may raise anything, which is contained."""

import pytest
from msgspec import Struct

from lib.errors import Invalid
from lib.saga.state.mismatch import mismatch_of
from lib.saga.state.payload import canonical_payload, is_same_payload
from lib.saga.state.redaction import conceal

RAISED: list[type[BaseException]] = [AssertionError, KeyError, ZeroDivisionError, SystemExit]


def refusing(raised: type[BaseException]) -> type[Struct]:
    class Ticket(Struct):
        seats: int

        def __post_init__(self) -> None:
            raise raised

    return Ticket


@pytest.mark.parametrize("raised", RAISED)
def test_a_payload_that_its_type_rejects_by_any_error_is_refused(
    raised: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Invalid, match="the type of the payload rejects it: ") as caught:
        canonical_payload({"seats": -1}, refusing(raised))
    assert caught.value.field == "payload"
    assert "__post_init__" in capsys.readouterr().out


@pytest.mark.parametrize("raised", RAISED)
def test_a_stored_value_that_its_type_rejects_is_a_hidden_mismatch(
    raised: type[BaseException],
) -> None:
    kind = refusing(raised)
    assert "its type rejects it" in mismatch_of('{"seats":-1}', kind)
    assert conceal({"seats": -1}, kind) == "[redacted]"
    assert not is_same_payload('{"seats":-1}', '{"seats":-2}', kind)
