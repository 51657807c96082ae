"""Reads ``index.yaml``, a project's composite indexes, by the rules of gcloud's parser."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from local.datastore.storage.indexes import Definition
from project_files.yaml_file import YamlFile, is_nothing

_DIRECTIONS: Final = {"asc": False, "ascending": False, "desc": True, "descending": True}

_MODES: Final = {"geospatial": True}

#: The ways to index a column; it has one of them.
_HOW: Final = ("direction", "mode", "vectorConfig")

#: An App Engine application, as old files name it: [partition~][domain:]id.
_APPLICATION: Final = re.compile(
    r"([a-z\d\-]{1,100}~)?((?!-)[a-z\d\-.]{1,100}:)?(?!-)[a-z\d\-]{0,99}[a-z\d]"
)


def load_index_file(path: Path) -> list[Definition]:
    """Return the composite indexes of an index file; raise BrokenFile, naming the line.

    Vector and geospatial indexes are valid but ignored, because no query here uses them. An index
    without properties is also ignored, because every kind has it.
    """
    return _IndexFile(path).read()


class _Property(NamedTuple):
    """A column in the file; `descends` is None if the file has no direction."""

    name: str
    descends: bool | None
    geospatial: bool
    vector: bool


class _IndexFile:
    def __init__(self, path: Path) -> None:
        self._file = YamlFile(path)

    def read(self) -> list[Definition]:
        root = self._file.read()
        if root is None or is_nothing(root):
            return []
        top = self._file.mapping(root, "the file", ("indexes", "application"))
        if "application" in top:
            self._check_application(top["application"])
        definitions = [self._read_index(entry) for entry in self._list(top, "indexes")]
        return list(dict.fromkeys(each for each in definitions if each is not None))

    def _list(self, values: dict[str, yaml.Node], name: str) -> list[yaml.Node]:
        return self._file.sequence(values[name], name) if name in values else []

    def _check_application(self, node: yaml.Node) -> None:
        if is_nothing(node):
            return
        if not _APPLICATION.fullmatch(self._file.text(node, "application")):
            raise self._file.fault(node, f"{node.value!r} is not the name of an application")

    def _read_index(self, entry: yaml.Node) -> Definition | None:
        index = self._file.mapping(entry, "an index", ("kind", "ancestor", "properties"))
        if "kind" not in index:
            raise self._file.fault(entry, "an index needs a kind")
        kind = self._file.text(index["kind"], "kind")
        ancestor = "ancestor" in index and self._file.flag(index["ancestor"], "ancestor")
        properties = [self._read_property(each) for each in self._list(index, "properties")]
        self._check_together(entry, properties)
        if not properties or any(each.geospatial or each.vector for each in properties):
            return None
        columns = tuple((each.name, bool(each.descends)) for each in properties)
        return Definition(kind, ancestor, columns)

    def _check_together(self, entry: yaml.Node, properties: list[_Property]) -> None:
        geospatial = any(each.geospatial for each in properties)
        if geospatial and any(each.descends is not None for each in properties):
            raise self._file.fault(entry, "a geospatial index has no direction")
        if sum(each.vector for each in properties) > 1:
            raise self._file.fault(entry, "an index can have only one vector")

    def _read_property(self, node: yaml.Node) -> _Property:
        stated = self._file.mapping(node, "a property", ("name", *_HOW))
        if "name" not in stated:
            raise self._file.fault(node, "a property needs a name")
        how = {name: stated[name] for name in _HOW if name in stated}
        how = {name: value for name, value in how.items() if not is_nothing(value)}
        if len(how) > 1:
            raise self._file.fault(node, f"a property can have only one of {', '.join(_HOW)}")
        return _Property(
            self._file.text(stated["name"], "name"),
            self._choice(how["direction"], "direction", _DIRECTIONS)
            if "direction" in how
            else None,
            "mode" in how and self._choice(how["mode"], "mode", _MODES),
            "vectorConfig" in how and self._check_vector(how["vectorConfig"]),
        )

    def _direction(self, node: yaml.Node | None) -> bool | None:
        return None if node is None else self._choice(node, "direction", _DIRECTIONS)

    def _choice(self, node: yaml.Node, what: str, choices: dict[str, bool]) -> bool:
        value = self._file.text(node, what)
        if value not in choices:
            raise self._file.fault(node, f"{what} is {' or '.join(choices)}, not {value}")
        return choices[value]

    def _check_vector(self, node: yaml.Node) -> bool:
        config = self._file.mapping(node, "vectorConfig", ("dimension", "flat"))
        if len(config) < len(("dimension", "flat")):
            raise self._file.fault(node, "a vectorConfig needs a dimension and flat: {}")
        self._file.whole(config["dimension"], "dimension")
        self._file.mapping(config["flat"], "flat", ())
        return True
