"""The outputs that a saga's functions say they find: whether earlier steps have such outputs.

An author says it by a TypedDict: `context: StepContext[Outputs]`, or in a condition
`outputs: Outputs`.
"""

import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lib.saga.definition.checks.annotations import annotation_of, may_be
from lib.saga.definition.checks.error import describe, name_type
from lib.saga.definition.steps import Element, Step

if TYPE_CHECKING:
    from lib.saga.definition.saga import Saga

#: What an output is whose type is not declared.
_PLAIN = (str, int, float, bool, list, dict, type(None))


def faults_of_outputs(saga: "Saga") -> Iterator[str]:
    """Yield what is wrong with the outputs that the functions of a saga's elements look for.

    A key that may be missing may be of any step, since one TypedDict may serve all of them.
    """
    all_elements = {each.name: each for each in saga.elements}
    for index, element in enumerate(saga.elements):
        before = [each.name for each in saga.elements[: saga.stage_of(index).start]]
        for label, function in element.functions.items():
            # What is compensated may look at itself, and at what is undone beside it.
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
                f"no step before it is called {name}, as {kind.__name__} says: write "
                f"{name}: NotRequired[...], or move the step"
            )
        else:
            yield f"no step is called {name}, as {kind.__name__} says: {_suggest(name, elements)}"


def _suggest(name: str, elements: Mapping[str, Element]) -> str:
    from difflib import get_close_matches  # for a mistake alone: no cold start pays for it

    close = get_close_matches(name, elements, n=1)
    return f"write {close[0]}" if close else f"the steps are {', '.join(elements)}"


def _hints_of(kind: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True) if kind else {}
    except Exception:  # an annotation is any expression
        return {}


def _faults_of_hint(where: str, element: Element, hint: Any) -> Iterator[str]:
    known = element.decoded_type
    wanted = name_type(hint)
    if known is Any and not any(may_be(each, hint) for each in _PLAIN):
        write = (
            f"write output={wanted} in it" if isinstance(element, Step) else "write dict[str, Any]"
        )
        yield f"{where} is {wanted}, but {element.name} gives plain JSON: {write}"
    elif not may_be(known, hint):
        yield f"{where} is {wanted}, but {element.name} gives {name_type(known)}: write that"


def _outputs_of(annotation: Any) -> Any:
    """Return the TypedDict in an annotation of a second parameter, or None."""
    inner = typing.get_args(annotation)
    kind = inner[0] if len(inner) == 1 else annotation
    return kind if typing.is_typeddict(kind) else None


def _bare(hint: Any) -> Any:
    marks = (typing.Required, typing.NotRequired)
    return typing.get_args(hint)[0] if typing.get_origin(hint) in marks else hint
