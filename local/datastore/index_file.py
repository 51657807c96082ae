"""Read ``index.yaml``: the composite indexes of a project, in the form that gcloud deploys.

Only the shape that the format has is understood (a list of kinds with ancestor and properties), so
that no YAML library is needed at run time; anything else in the file is an error naming its line.
"""

from dataclasses import dataclass, field
from pathlib import Path

from local.datastore.indexes import Definition

_NOTHING = ("", "---", "indexes:", "indexes: []")
_TRUE, _FALSE = ("yes", "true", "on"), ("no", "false", "off")


class IndexFileError(Exception):
    """The index file cannot be read; the message names the file and the line."""


@dataclass
class _Draft:
    kind: str = ""
    ancestor: bool = False
    properties: list[list[str]] = field(default_factory=list)

    def finish(self) -> Definition:
        if not self.kind or not self.properties:
            raise ValueError("an index needs a kind and properties")
        columns = tuple((name, direction == "desc") for name, direction in self.properties)
        return Definition(self.kind, self.ancestor, columns)


def load_index_file(path: Path) -> list[Definition]:
    """Return the composite indexes of an index file; IndexFileError when it is not one."""
    drafts: list[_Draft] = []
    outer: int | None = None
    at = ""
    try:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            at = f"line {number}: "
            text = "" if line.lstrip().startswith("#") else line.split(" #")[0]
            if text.strip() not in _NOTHING:
                outer = _read_line(text, outer, drafts)
        return [draft.finish() for draft in drafts]
    except (ValueError, IndexError) as error:
        raise IndexFileError(f"{path}: {at}{error}") from error
    except OSError as error:
        raise IndexFileError(f"{path}: {error.strerror}") from error


def _read_line(text: str, outer: int | None, drafts: list[_Draft]) -> int | None:
    body = text.lstrip()
    indent = len(text) - len(body)
    if body.startswith("-"):
        if outer is None or indent <= outer:
            outer = indent
            drafts.append(_Draft())
        else:
            drafts[-1].properties.append(["", "asc"])
        body = body[1:].strip()
    name, colon, value = body.partition(":")
    if not colon:
        raise ValueError(f"'{body}' is not 'name: value'")
    _set_field(drafts[-1], name.strip(), value.strip().strip("'\""))
    return outer


def _set_field(draft: _Draft, name: str, value: str) -> None:
    if name == "kind":
        draft.kind = value
    elif name == "ancestor" and value.lower() in _TRUE + _FALSE:
        draft.ancestor = value.lower() in _TRUE
    elif name == "name":
        draft.properties[-1][0] = value
    elif name == "direction" and value.lower() in ("asc", "desc"):
        draft.properties[-1][1] = value.lower()
    elif name != "properties" or value:
        raise ValueError(f"'{name}: {value}' is not part of an index")
