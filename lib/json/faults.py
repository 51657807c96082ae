"""Finds everything in plain data that does not fit a type; msgspec stops at the first."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, get_args, get_origin

import msgspec

from lib.errors import FieldError, Path
from lib.json.members import fields_of, items_of, meant_by, settings_of, tags_of
from lib.json.type_words import allowed_values, describe, unwrap

#: The maximum number of faults that are reported.
MAX_FAULTS = 20

#: The maximum length of a quoted unknown name.
MAX_NAME = 100

#: Anything nested deeper is reported as one fault.
MAX_DEPTH = 32


def find_faults(plain: Any, kind: Any, *, strict: bool = True) -> list[FieldError]:
    """Return the first MAX_FAULTS places where plain data does not fit a type; none if it fits."""
    return list(islice(_faults(plain, kind, (), strict), MAX_FAULTS))


def _faults(plain: Any, kind: Any, path: Path, strict: bool) -> Iterator[FieldError]:
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


def _fault_of(plain: Any, kind: Any, path: Path, refusal: str) -> FieldError:
    """Return what was expected; if every member fits, the message of the class's own check."""
    wanted = describe(kind)
    fits_outside = wanted.startswith("an object") if isinstance(plain, dict) else wanted == "a list"
    own_check = fits_outside and isinstance(plain, dict | list)
    detail = refusal if own_check or not wanted else f"must be {wanted}"
    return FieldError(path, detail, allowed_values(kind))


def _faults_inside(plain: Any, kind: Any, path: Path, strict: bool) -> Iterator[FieldError]:
    meant = meant_by(plain, kind)
    if meant is None:
        yield from _faults_of_tag(plain, kind, path)
        return
    bare, metas = unwrap(meant)
    if any(not _is_in_size(plain, meta) for meta in metas):
        yield FieldError(path, f"must be {describe(kind)}")
    if isinstance(plain, list):
        for index, (value, item) in enumerate(zip(plain, items_of(bare), strict=False)):
            yield from _faults(value, item, (*path, index), strict)
    elif (get_origin(bare) or bare) is dict:
        yield from _faults_of_dict(plain, bare, path, strict)
    else:
        yield from _faults_of_object(plain, bare, path, strict)


def _is_in_size(plain: Any, meta: msgspec.Meta) -> bool:
    longest = len(plain) if meta.max_length is None else meta.max_length
    return (meta.min_length or 0) <= len(plain) <= longest


def _faults_of_tag(plain: Any, kind: Any, path: Path) -> Iterator[FieldError]:
    tags = tags_of(kind)
    if tags is not None and isinstance(plain, dict):
        field, values = tags
        wanted = f"one of {', '.join(map(str, values))}"
        verb = "must be" if field in plain else "is missing:"
        yield FieldError((*path, field), f"{verb} {wanted}", values)


def _faults_of_dict(
    plain: dict[str, Any], kind: Any, path: Path, strict: bool
) -> Iterator[FieldError]:
    key, value = get_args(kind) or (Any, Any)
    for name, each in plain.items():
        place = (*path, name[:MAX_NAME])
        if refusal := _refusal(name, key, strict=False):
            wanted = f"must be {words}" if (words := describe(key)) else refusal
            yield FieldError(place, f"has a name that does not fit: it {wanted}")
        yield from _faults(each, value, place, strict)


def _faults_of_object(
    plain: dict[str, Any], kind: Any, path: Path, strict: bool
) -> Iterator[FieldError]:
    known = fields_of(kind)
    settings = settings_of(kind)
    if settings is not None and settings.forbid_unknown_fields:
        fields = f"the fields are {', '.join(known)}" if known else "there are no fields"
        for name in plain:
            if name not in known and name != settings.tag_field:
                yield FieldError((*path, name[:MAX_NAME]), f"is not known; {fields}")
    for name, (annotation, is_required) in known.items():
        if name in plain:
            yield from _faults(plain[name], annotation, (*path, name), strict)
        elif is_required:
            yield FieldError(
                (*path, name), f"is missing: {describe(annotation) or 'it is required'}"
            )
