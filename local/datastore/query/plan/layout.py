"""Positions in a query's results, and how a plan's entries map to them.

A position has an encoded value for each column that the query sorts by, and then the key.
Descending components are inverted, so positions compare in the order of the results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from local.datastore.encoding.ordered import AFTER, invert
from local.datastore.encoding.values import find_end
from local.datastore.query.plan.intervals import Cut

Column = tuple[str, bool]


def find_component_end(position: bytes, start: int, *, descends: bool) -> int:
    """Return the offset after the value that begins at ``start``."""
    if descends:
        return start + find_end(invert(position[start:]), 0)
    return find_end(position, start)


def split_position(position: bytes, columns: Sequence[Column]) -> list[bytes]:
    """Return the encoded components of a position, with the key as the last."""
    parts, at = [], 0
    for _, descends in columns:
        end = find_component_end(position, at, descends=descends)
        parts.append(position[at:end])
        at = end
    return [*parts, position[at:]]


@dataclass(slots=True)
class Shape:
    """What a query requests, except its filters.

    ``free`` are projected columns that may follow the sort orders in any order and direction.
    ``needs_key_index``: the keys descend while the last property does not, or the reverse, which no
    built-in index provides. If the order is only ``implied``, an index with the reverse order also
    serves the query. ``projects``: the values must come from an index.
    """

    kind: str
    columns: list[Column]
    key_descends: bool
    free: list[str] = field(default_factory=list)
    needs_key_index: bool = False
    implied: bool = False
    projects: bool = False

    @property
    def free_columns(self) -> list[Column]:
        """The free columns in the direction of the last column before them, if no index sets it."""
        down = bool(self.columns) and self.columns[-1][1]
        return [(name, down) for name in self.free]


@dataclass(slots=True)
class Layout:
    """Maps the entries of one plan to positions.

    Columns that the plan fixes to one value are not in its entries: ``constants`` has their
    encoding (already inverted if necessary), and None for each column in the entries.
    """

    columns: list[Column]
    constants: list[bytes | None]

    @property
    def scanned(self) -> list[Column]:
        """The columns in the entries."""
        pairs = zip(self.columns, self.constants, strict=True)
        return [column for column, constant in pairs if constant is None]

    @property
    def is_plain(self) -> bool:
        """Whether entries already are positions."""
        return all(constant is None for constant in self.constants)

    def build_position(self, suffix: bytes) -> bytes:
        """Return the position of an entry."""
        parts, at = [], 0
        for (_, descends), constant in zip(self.columns, self.constants, strict=True):
            if constant is not None:
                parts.append(constant)
                continue
            end = find_component_end(suffix, at, descends=descends)
            parts.append(suffix[at:end])
            at = end
        return b"".join((*parts, suffix[at:]))

    def find_cut(self, cut: Cut) -> Cut:
        """Return the cut among entries for a cut among positions.

        The cut may be at a position, or at a common prefix of several positions.
        """
        if self.is_plain or not cut.value:
            return cut
        kept, at = b"", 0
        for (_, descends), constant in zip(self.columns, self.constants, strict=True):
            if at == len(cut.value):
                break
            end = find_component_end(cut.value, at, descends=descends)
            component, at = cut.value[at:end], end
            if constant is None:
                kept += component
            elif constant != component:
                return Cut(kept, after=constant + AFTER < component + AFTER)
        return Cut(kept + cut.value[at:], cut.after)
