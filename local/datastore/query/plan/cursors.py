"""Cursors: positions in the results of a query, and of the same query in reverse.

A cursor contains the values that it is after, or before, as in an ascending index, so it means the
same position in both directions.
"""

import struct
import zlib
from collections.abc import Sequence

from local.datastore.encoding.ordered import invert
from local.datastore.query.plan.intervals import START, Cut
from local.datastore.query.plan.layout import Column, split_position
from local.rpc.errors import InvalidArgument

_VERSION = b"\x02"
#: The version, a hash of the query, a checksum of the rest, and the side.
_HEAD = struct.Struct(">cII?")


class CursorCodec:
    """Encodes and decodes the cursors of one query, by its kind and the order of its positions.

    The first ``distinct`` columns distinguish results.
    """

    def __init__(
        self, kind: str, columns: Sequence[Column], *, key_descends: bool, distinct: int
    ) -> None:
        self._columns = columns
        self._ascending = [(name, False) for name, _ in columns]
        #: Whether each component of a position descends, the key's last.
        self._directions = [*(descends for _, descends in columns), key_descends]
        self._distinct = distinct
        self._mark = zlib.crc32(repr((kind, [name for name, _ in columns])).encode())

    def encode(self, position: bytes) -> bytes:
        """Return the cursor directly after a position."""
        body = self._turn(position, self._columns)
        return self._seal(body, before=self._directions[0])

    def encode_start(self) -> bytes:
        """Return the cursor before all results."""
        return self._seal(b"", before=False)

    def decode(self, cursor: bytes) -> Cut:
        """Return a cursor's position; InvalidArgument if it is malformed or of another query."""
        if len(cursor) < _HEAD.size or cursor[:1] != _VERSION:
            raise InvalidArgument("The cursor cannot be read.")
        _, mark, check, before = _HEAD.unpack_from(cursor)
        if mark != self._mark:
            raise InvalidArgument("cursor does not match query")
        body = cursor[_HEAD.size :]
        if check != zlib.crc32(body) or cursor[_HEAD.size - 1] > 1:
            raise InvalidArgument("The cursor cannot be read.")
        if not body:
            return START
        position = self._turn(body, self._ascending)
        after = before == self._directions[0]
        if not after and self._distinct:
            # A group is one result, wherever in it the cursor was.
            group = split_position(position, self._columns)[: self._distinct]
            return Cut(b"".join(group), after=False)
        return Cut(position, after)

    def _seal(self, body: bytes, *, before: bool) -> bytes:
        return _HEAD.pack(_VERSION, self._mark, zlib.crc32(body), before) + body

    def _turn(self, position: bytes, columns: Sequence[Column]) -> bytes:
        """Invert the descending components."""
        if not any(self._directions):
            return position
        components = zip(split_position(position, columns), self._directions, strict=True)
        return b"".join(invert(one) if descends else one for one, descends in components)
