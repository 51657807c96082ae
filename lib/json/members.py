"""The members of a type: fields by name, items by position.

For a union it finds the type that a sender meant, if only one is possible.
"""

import dataclasses
from collections.abc import Iterable
from itertools import repeat
from types import NoneType
from typing import Any, NotRequired, Required, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from lib.json.type_words import options_of, unwrap

_COLLECTIONS = (list, set, frozenset, tuple)


def meant_by(plain: Any, kind: Any) -> Any:
    """Return the type that a dict or list is meant for; None if there are several or none.

    If structs have tags, the tag decides.
    """
    fits = _is_object if isinstance(plain, dict) else _is_list if isinstance(plain, list) else None
    found = [each for each in options_of(kind) if fits and fits(unwrap(each)[0])]
    if len(found) > 1 and isinstance(plain, dict):
        found = [each for each in found if is_tagged(unwrap(each)[0], plain)]
    return found[0] if len(found) == 1 else None


def is_tagged(kind: Any, plain: dict[str, Any]) -> bool:
    """Return whether a dict has this struct's tag."""
    settings = settings_of(kind)
    return settings is not None and plain.get(settings.tag_field, NoneType) == settings.tag


def tags_of(kind: Any) -> tuple[str, list[Any]] | None:
    """Return the field that distinguishes the structs of a union, and its values, or None."""
    found = [settings_of(unwrap(each)[0]) for each in options_of(kind)]
    tagged = [each for each in found if each is not None and each.tag is not None]
    return (tagged[0].tag_field, [each.tag for each in tagged]) if len(tagged) > 1 else None


def settings_of(kind: Any) -> Any:
    """Return msgspec's settings of a struct's class, None for any other type."""
    return getattr(get_origin(kind) or kind, "__struct_config__", None)


def fields_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Return an object's fields by their names in JSON: the type, and whether it is required."""
    if settings_of(kind):
        listed = msgspec.structs.fields(kind)
        return {each.encode_name: (each.type, each.required) for each in listed}
    hints = get_type_hints(kind, include_extras=True)
    if is_typeddict(kind):
        return {name: (_bare(hint), name in kind.__required_keys__) for name, hint in hints.items()}
    unset = dataclasses.MISSING
    return {
        each.name: (hints[each.name], each.default is unset and each.default_factory is unset)
        for each in dataclasses.fields(kind)
        if each.init
    }


def items_of(kind: Any) -> Iterable[Any]:
    """Return the types of a list's items, in order; endless if all have one type."""
    if settings_of(kind):
        return [each.type for each in msgspec.structs.fields(kind)]
    if hasattr(kind, "_fields"):
        return get_type_hints(kind, include_extras=True).values()
    arguments = get_args(kind)
    is_fixed = get_origin(kind) is tuple and Ellipsis not in arguments
    return arguments if is_fixed else repeat(arguments[0] if arguments else Any)


def _is_object(kind: Any) -> bool:
    settings, origin = settings_of(kind), get_origin(kind) or kind
    if settings is not None:
        return not settings.array_like
    return origin is dict or is_typeddict(kind) or dataclasses.is_dataclass(origin)


def _is_list(kind: Any) -> bool:
    settings, origin = settings_of(kind), get_origin(kind) or kind
    return (
        origin in _COLLECTIONS or hasattr(kind, "_fields") or bool(settings and settings.array_like)
    )


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint
