"""Declarations on the right side of each limit: none is refused."""

import pytest

from lib.saga.definition.child import Child
from tests.unit.saga.wrong import SCOPE, a, saga

RIGHT = [
    "saga(steps=[a(), a('b')])",
    "saga(on_compensation_failure='continue')",
    "Step('b', execute=lambda payload, call, store=None: None)",
    "Step('b', execute=lambda *args: None)",
    "Step('b', execute=lambda *args, **options: None)",
    "Step('b', execute=lambda payload, call=None: None)",
    "Step('b', execute=functools.partial(three, store=1))",
    "Step('b', execute=functools.partial(three, 1))",
    "Step('b', execute=Service().execute)",
    "Step('b', execute=Caller())",
    "Step('b', execute=HttpCall('https://pay.example/charge'))",
    "Step('b', execute=print)",
    "Step('b', execute=max)",
    "Step('b', execute=functools.wraps(three)(lambda *args: None))",
    "saga(Step('b', execute=for_either), payload=Second)",
    "saga(Step('b', execute=for_first), payload=First | None)",
    "saga(Step('b', execute=adapted), payload=Second)",
    "saga(Step('b', execute=for_first), payload=First)",
    "saga(Step('b', execute=for_first), payload=Annotated[First, 1])",
    "saga(Step('b', execute=FirstCaller()), payload=object)",
    "saga(payload=Constants)",
    "a(when=lambda *_: True)",
    "a(timeout=d(minutes=29))",
    "saga(deadline=d(seconds=1))",
    "saga(Timer('t', after=d(0)))",
    "saga(a(pivot=True), Timer('t', after=d(9)), deadline=d(1))",
    "saga(Timer('t', after=d(9), pivot=True), deadline=d(1))",
    "saga(Parallel(Timer('t', after=d(9)), Timer('u', after=d(9))), deadline=d(10))",
    "saga(*many(75))",
    "saga(Parallel(*(child(f'c{n}', saga(*many(20), name='kid')) for n in range(20))))",
    "saga(payload=Any)",
    "saga(payload=object)",
    "saga(payload=None)",
    "saga(payload=dict[int, str])",
    "saga(payload=list[First] | None)",
    "saga(payload=datetime)",
    "saga(child(of=saga(version=2), name='c')) if False else saga(child(), child('e'))",
    "saga(child(of=saga(version=2)))",
    "nested(7)",
    "RetryPolicy(attempts=1, first=d(0), cap=d(0), factor=1)",
    "Definitions(())",
    "Definitions(each for each in [saga()])",
    "Definitions({saga(), saga(version=2)})",
    "Definitions([saga(child(of=saga(name='kid'))), saga(name='b')])",
]


@pytest.mark.parametrize("code", RIGHT)
def test_a_valid_declaration_is_accepted(code: str) -> None:
    eval(code, dict(SCOPE))


def test_on_compensation_failure_accepts_a_str() -> None:
    [continues, halts] = [saga(on_compensation_failure=each) for each in ("continue", "halt")]
    assert continues.on_compensation_failure is not halts.on_compensation_failure
    assert continues.on_compensation_failure.name == "CONTINUE"


def test_a_child_may_be_another_version_of_its_parent() -> None:
    part = Child("c", saga=saga(version=1), payload=lambda payload, _: payload)
    assert saga(a(), part, version=2).elements[1] is part
