"""Checks that earlier steps have the outputs which a saga's functions declare that they read.

An author declares them by a TypedDict: `context: StepContext[Outputs]`, or `outputs: Outputs` in a
condition.
"""

import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lib.saga.definition.checks.annotations import annotation_of, may_be
from lib.saga.definition.checks.error import describe, name_type
from lib.saga.definition.element import Element, SagaOutline
from lib.saga.definition.steps import Step

#: The possible types of an output without a declared type.
_PLAIN = (str, int, float, bool, list, dict, type(None))


def faults_of_outputs(saga: SagaOutline) -> Iterator[str]:
    """Yield what is wrong with the outputs that the functions of a saga's elements read.

    An optional key may name any step, because one TypedDict may be used by all of them.
    """
    all_elements = {each.name: each for each in saga.elements}
    for index, element in enumerate(saga.elements):
        before = [each.name for each in saga.elements[: saga.stage_of(index).start]]
        for label, function in element.functions.items():
            # A compensation may read its own step's output, and those of steps undone with it.
            sure = list(all_elements) if label in ("compensate", "status") else before
            for fault in _faults_of_function(function, all_elements, sure):
                yield f"{element.kind} {element.name}: {label} is {describe(function)}, and {fault}"


def _faults_of_function(
    function: Any, elements: Mapping[str, Element], sure: Sequence[str]
) -> Iterator[str]:
    kind = _outputs_of(annotation_of(function, 1)[1])
    for name, hint in _hints_of(kind).items():
        optional = name in kind.__optional_keys__ or typing.get_origin(hint) is typing.NotRequired
        if name in (elements if optional else sure):
            yield from _faults_of_hint(f"{kind.__name__}.{name}", elements[name], _bare(hint))
        elif name in elements:
            yield (
                f"no earlier step is called {name}, which {kind.__name__} asks for: write "
                f"{name}: NotRequired[...], or move the step"
            )
        else:
            hint = _suggest(name, elements)
            yield f"no step is called {name}, which {kind.__name__} asks for: {hint}"


def _suggest(name: str, elements: Mapping[str, Element]) -> str:
    from difflib import get_close_matches  # only for mistakes: cold starts do not load it

    close = get_close_matches(name, elements, n=1)
    return f"write {close[0]}" if close else f"the steps are {', '.join(elements)}"


def _hints_of(kind: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True) if kind else {}
    except Exception:  # an annotation may be any expression
        return {}


def _faults_of_hint(where: str, element: Element, hint: Any) -> Iterator[str]:
    known = element.decoded_type
    wanted = name_type(hint)
    if known is Any and not any(may_be(each, hint) for each in _PLAIN):
        write = f"output={wanted} in that step" if isinstance(element, Step) else "dict[str, Any]"
        yield f"{where} is {wanted}, but {element.name} gives plain JSON: write {write}"
    elif not may_be(known, hint):
        yield f"{where} is {wanted}, but {element.name} gives {name_type(known)}: write that type"


def _outputs_of(annotation: Any) -> Any:
    """Return the TypedDict in an annotation of a second parameter, or None."""
    inner = typing.get_args(annotation)
    kind = inner[0] if len(inner) == 1 else annotation
    return kind if typing.is_typeddict(kind) else None


def _bare(hint: Any) -> Any:
    marks = (typing.Required, typing.NotRequired)
    return typing.get_args(hint)[0] if typing.get_origin(hint) in marks else hint
