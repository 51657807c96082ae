"""The origin of an error, whatever its chain and groups."""

import traceback

import pytest

from lib.observability.stack_traces import MAX_ERRORS, MAX_FRAMES, describe_stack, forget_stack


def fall() -> None:
    fall()


def raised(problem: BaseException) -> BaseException:
    try:
        raise problem
    except BaseException as caught:
        return caught


def test_a_chain_is_described_from_its_first_error() -> None:
    outer = raised(ValueError("secret"))
    outer.__cause__ = raised(KeyError("secret"))
    trace = describe_stack(outer)
    assert trace.index("KeyError") < trace.index("ValueError")
    assert "secret\n" not in trace


def test_a_circular_chain_ends() -> None:
    first, second = raised(ValueError()), raised(KeyError())
    first.__cause__, second.__cause__ = second, first
    assert describe_stack(first).count("and then") == 1


def test_a_very_long_chain_or_stack_is_truncated() -> None:
    problem: BaseException = ValueError()
    for _ in range(1000):
        outer = ValueError()
        outer.__cause__, problem = problem, outer
    assert describe_stack(problem).count("ValueError") == MAX_ERRORS
    with pytest.raises(RecursionError) as deep:
        fall()
    assert describe_stack(deep.value).count("\n") < 3 * MAX_FRAMES


def test_a_suppressed_context_is_not_described() -> None:
    outer = ValueError()
    outer.__context__, outer.__suppress_context__ = KeyError(), True
    assert describe_stack(outer) == "ValueError"


def test_an_error_raised_many_times_is_described_by_its_innermost_calls() -> None:
    problem = ValueError("once")
    for _ in range(5000):
        try:
            raise problem
        except ValueError:
            pass
    innermost = traceback.format_tb(problem.__traceback__, limit=-MAX_FRAMES)
    assert describe_stack(problem) == "".join(innermost) + "ValueError"


class Sealed(ValueError):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


def test_forgetting_a_stack_includes_causes_and_group_members() -> None:
    member, cause, context = raised(KeyError()), raised(Sealed()), raised(OSError())
    outer = raised(BaseExceptionGroup("several", [raised(ValueError()), member]))
    outer.__cause__, context.__context__ = cause, outer
    BaseException.__dict__["__context__"].__set__(cause, context)
    forget_stack(outer)
    assert [each.__traceback__ for each in (outer, member, cause, context)] == [None] * 4
