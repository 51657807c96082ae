"""Reads YAML files as gcloud reads them, and names the line of an error.

gcloud's files are YAML 1.1: an unquoted y, yes or on is a truth value, and 010 is eight. It accepts
no anchors, and no repeated name in a mapping.
"""

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import yaml

T = TypeVar("T")

_TAG: Final = "tag:yaml.org,2002:"

#: The names of YAML types in messages.
_SORTS: Final = {
    "str": "text",
    "bool": "a truth value",
    "int": "a number",
    "float": "a number",
    "null": "nothing",
    "map": "a mapping",
    "seq": "a list",
    "timestamp": "a date",
}


class BrokenFile(ValueError):
    """A file cannot be read or is invalid; the message names the file, the line and the fault."""


class _Loader(yaml.SafeLoader):
    """Adds the shortest truth values of YAML 1.1, which PyYAML leaves out."""

    bool_values: ClassVar[dict[str, bool]] = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"^[yYnN]\Z"), list("yYnN"))


class YamlFile:
    """A file with one YAML document."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> yaml.Node | None:
        """Return the document, None for an empty file; raise BrokenFile if it is not YAML."""
        try:
            text = self._path.read_text(encoding="utf-8-sig")
            self._refuse_anchors(text)
            return yaml.compose(text, _Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = 0 if mark is None else mark.line
            raise self.broken(line, str(error.problem or error.context)) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BrokenFile(f"{self._path}: {error}") from None
        except OSError as error:
            raise BrokenFile(f"{self._path}: {error.strerror}") from error

    def _refuse_anchors(self, text: str) -> None:
        for event in yaml.parse(text, _Loader):
            if getattr(event, "anchor", None) is not None:
                line = 0 if event.start_mark is None else event.start_mark.line
                raise self.broken(line, "anchors and aliases are not allowed here")

    def fault(self, node: yaml.Node, reason: str) -> BrokenFile:
        """Return the error for a fault in a node."""
        return self.broken(node.start_mark.line, reason)

    def broken(self, line: int, reason: str) -> BrokenFile:
        """Return the error for a fault in a line, counted from 0."""
        return BrokenFile(f"{self._path}: line {line + 1}: {reason}")

    def mapping(
        self, node: yaml.Node, what: str, names: Collection[str] | None = None
    ) -> dict[str, yaml.Node]:
        """Return a mapping's values by name; with `names`, other names are a fault."""
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(node, f"{what} is a mapping (name: value), not {_describe(node)}")
        values: dict[str, yaml.Node] = {}
        for name_node, value in node.value:
            name = self.text(name_node, "a name")
            if names is not None and name not in names:
                known = ", ".join(sorted(names))
                raise self.fault(name_node, f"{name!r} is not part of {what}: it has {known}")
            if name in values:
                raise self.fault(name_node, f"{name!r} is repeated in {what}")
            values[name] = value
        return values

    def sequence(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """Return the items of a list; an empty node is an empty list."""
        if is_nothing(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.fault(node, f"{what} is a list (- item), not {_describe(node)}")
        return list(node.value)

    def text(self, node: yaml.Node, what: str) -> str:
        """Return text; a value that YAML reads as another type must be quoted."""
        return str(self._scalar(node, what, "str", lambda value: value))

    def flag(self, node: yaml.Node, what: str) -> bool:
        """Return a truth value: yes or no, true or false."""
        return self._scalar(node, what, "bool", bool)

    def whole(self, node: yaml.Node, what: str) -> int:
        """Return a whole number."""
        return self._scalar(node, what, "int", int)

    def number(self, node: yaml.Node, what: str) -> int | float:
        """Return a number."""
        return self._scalar(node, what, "float" if _sort_of(node) == "float" else "int", _as_number)

    def _scalar(self, node: yaml.Node, what: str, sort: str, convert: Callable[[Any], T]) -> T:
        if isinstance(node, yaml.ScalarNode) and _sort_of(node) == sort:
            return convert(self._construct(node))
        quote = f": write '{node.value}'" if sort == "str" and _is_quotable(node) else ""
        raise self.fault(node, f"{what} is {_SORTS[sort]}, not {_describe(node)}{quote}")

    def _construct(self, node: yaml.Node) -> Any:
        try:
            return _Loader("").construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise self.fault(node, str(error)) from None


def is_nothing(node: yaml.Node) -> bool:
    """Tell whether a node is empty, or null."""
    return _sort_of(node) == "null"


def _as_number(value: int | float) -> int | float:
    return value


def _sort_of(node: yaml.Node) -> str:
    return str(node.tag).removeprefix(_TAG)


def _is_quotable(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and bool(node.value) and node.style is None


def _describe(node: yaml.Node) -> str:
    sort = _SORTS.get(_sort_of(node), f"of type {node.tag}")
    return f"{sort} ({node.value})" if _is_quotable(node) else sort
