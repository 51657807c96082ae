"""The codecs of one partition, one per model, made on first use."""

from typing import Any, TypeVar

from lib.datastore.keys import Key, Partition
from lib.datastore.mapping.compiler import Compiler
from lib.datastore.mapping.entities import EntityCodec

T = TypeVar("T")


class Codecs:
    """Finds the codec of a model."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.compiler = Compiler(partition)
        self._made: dict[type, EntityCodec[Any]] = {}

    def of(self, cls: type[T]) -> EntityCodec[T]:
        """Return the codec of a model."""
        made = self._made.get(cls)
        if made is None:
            made = self._made[cls] = EntityCodec(cls, self.partition, self.compiler)
        return made

    def for_key(self, key: Key[T]) -> EntityCodec[T]:
        """Return the codec of a key's entity."""
        if key.model is None:
            raise TypeError(f"the key {key} has no model to read it with")
        return self.of(key.model)
