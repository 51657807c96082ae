"""The outputs that a saga's functions say they find: whether earlier steps have such outputs.

An author says it by a TypedDict: `context: StepContext[Outputs]`, or in a condition
`outputs: Outputs`.
"""

import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lib.saga.definition.checks.annotations import annotation_of, may_be
from lib.saga.definition.checks.error import describe, name_type
from lib.saga.definition.steps import Element, Step

if TYPE_CHECKING:
    from lib.saga.definition.saga import Saga

#: What an output is whose type is not declared.
_PLAIN = (str, int, float, bool, list, dict, type(None))


def faults_of_outputs(saga: "Saga") -> Iterator[str]:
    """Yield what is wrong with the outputs that the functions of a saga's parts look for."""
    for index, part in enumerate(saga.parts):
        first = saga.stage_of(index).start
        for label, function in part.functions.items():
            # What is compensated may look at itself, and at what is undone beside it.
            seen = saga.parts if label in ("compensate", "status") else saga.parts[:first]
            for fault in _faults_of_function(function, {each.name: each for each in seen}):
                yield f"{part.kind} {part.name}: {label} is {describe(function)}, and {fault}"


def _faults_of_function(function: Any, seen: dict[str, Element]) -> Iterator[str]:
    kind = _outputs_of(annotation_of(function, 1)[1])
    if kind is None:
        return
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        if name not in seen:
            from difflib import get_close_matches  # for a mistake alone

            close = get_close_matches(name, seen, n=1)
            write = f"write {close[0]}" if close else f"there is {', '.join(seen) or 'no step'}"
            yield f"no step before it is called {name}, as {kind.__name__} says: {write}"
        else:
            yield from _faults_of_hint(f"{kind.__name__}.{name}", seen[name], _bare(hint))


def _faults_of_hint(where: str, part: Element, hint: Any) -> Iterator[str]:
    known = part.decoded_type
    wanted = name_type(hint)
    if known is Any and not any(may_be(each, hint) for each in _PLAIN):
        write = f"write output={wanted} in it" if isinstance(part, Step) else "write dict[str, Any]"
        yield f"{where} is {wanted}, but {part.name} gives plain JSON: {write}"
    elif not may_be(known, hint):
        yield f"{where} is {wanted}, but {part.name} gives {name_type(known)}: write that"


def _outputs_of(annotation: Any) -> Any:
    """Return the TypedDict in an annotation of a second parameter, or None."""
    inner = typing.get_args(annotation)
    kind = inner[0] if len(inner) == 1 else annotation
    return kind if typing.is_typeddict(kind) else None


def _bare(hint: Any) -> Any:
    marks = (typing.Required, typing.NotRequired)
    return typing.get_args(hint)[0] if typing.get_origin(hint) in marks else hint
