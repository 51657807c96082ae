"""The machine that decides: pure, without I/O, clock or randomness of its own."""

from lib.saga.machine.deciding import begin, close, decide, repeat, strand

__all__ = ["begin", "close", "decide", "repeat", "strand"]
