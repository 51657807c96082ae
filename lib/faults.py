"""All that does not fit in plain data, not only the first thing: msgspec stops there."""

import dataclasses
from collections.abc import Iterator
from itertools import islice
from types import NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from lib.type_words import allowed_values, describe, options_of, unwrap

#: So many faults are told at once.
MAX_FAULTS = 20

#: So much is repeated of a name that a sender has made up.
MAX_NAME = 100

#: What is nested more deeply is one fault.
MAX_DEPTH = 32

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """What is wrong at one place; `allowed` are the values that there are, if they are few."""

    path: Path
    detail: str
    allowed: list[Any] | None = None

    @property
    def field(self) -> str:
        """The place as a person writes it: `lines[0].quantity`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer in a URI fragment (RFC 6901): `#/lines/0/quantity`."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        return "#" + "".join(f"/{step}" for step in steps)


def find_faults(plain: Any, kind: Any, *, strict: bool = True) -> list[Fault]:
    """Return the first MAX_FAULTS places where plain data does not fit a type; none if it fits."""
    return list(islice(_faults(plain, kind, (), strict), MAX_FAULTS))


def _faults(plain: Any, kind: Any, path: Path, strict: bool) -> Iterator[Fault]:
    refusal = _refusal(plain, kind, strict)
    if refusal is None:
        return
    inner = _faults_inside(plain, kind, path, strict) if len(path) < MAX_DEPTH else iter(())
    first = next(inner, None)
    if first is None:
        yield _fault_of(plain, kind, path, refusal)
        return
    yield first
    yield from inner


def _refusal(plain: Any, kind: Any, strict: bool) -> str | None:
    try:
        msgspec.convert(plain, kind, strict=strict, str_keys=True)
    except msgspec.ValidationError as problem:
        return str(problem).partition(" - at `")[0]
    return None


def _fault_of(plain: Any, kind: Any, path: Path, refusal: str) -> Fault:
    """Say what is wanted; of a whole object whose members all fit, what its own check says."""
    wanted = describe(kind)
    fits_outside = isinstance(plain, dict) and wanted.startswith("an object")
    detail = refusal if fits_outside or not wanted else f"must be {wanted}"
    return Fault(path, detail, allowed_values(kind))


def _faults_inside(plain: Any, kind: Any, path: Path, strict: bool) -> Iterator[Fault]:
    options = [option for option in options_of(kind) if option is not NoneType]
    if len(options) != 1:
        return
    bare, _ = unwrap(options[0])
    origin, arguments = get_origin(bare) or bare, get_args(bare)
    if isinstance(plain, dict) and _is_object(origin):
        yield from _faults_of_object(plain, bare, path, strict)
    elif isinstance(plain, dict) and origin is dict and arguments:
        for name, value in plain.items():
            yield from _faults(value, arguments[1], (*path, name[:MAX_NAME]), strict)
    elif isinstance(plain, list) and origin in (list, set, frozenset) and arguments:
        for index, value in enumerate(plain):
            yield from _faults(value, arguments[0], (*path, index), strict)


def _is_object(origin: Any) -> bool:
    """Tell whether a type is an object of named fields, and not one of several told by a tag."""
    if dataclasses.is_dataclass(origin):
        return True
    settings = getattr(origin, "__struct_config__", None)
    return settings is not None and not settings.array_like and settings.tag is None


def _faults_of_object(
    plain: dict[str, Any], kind: Any, path: Path, strict: bool
) -> Iterator[Fault]:
    known = _fields_of(kind)
    settings = getattr(kind, "__struct_config__", None)
    if settings is not None and settings.forbid_unknown_fields:
        for name in plain:
            if name not in known:
                listed = (
                    f"; the fields are {', '.join(known)}" if known else ": nothing is taken here"
                )
                yield Fault((*path, name[:MAX_NAME]), f"is not known{listed}")
    for name, (annotation, is_required) in known.items():
        if name in plain:
            yield from _faults(plain[name], annotation, (*path, name), strict)
        elif is_required:
            yield Fault((*path, name), f"is missing: {describe(annotation) or 'it is required'}")


def _fields_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Return an object's fields by the names that they have in JSON: type, and whether required."""
    if hasattr(kind, "__struct_config__"):
        listed = msgspec.structs.fields(kind)
        return {each.encode_name: (each.type, each.required) for each in listed}
    hints = get_type_hints(kind, include_extras=True)
    unset = dataclasses.MISSING
    return {
        each.name: (hints[each.name], each.default is unset and each.default_factory is unset)
        for each in dataclasses.fields(kind)
        if each.init
    }
