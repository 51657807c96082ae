"""The machine that decides: pure, without I/O, clock or randomness of its own."""

from lib.saga.machine.deciding import begin, decide, give_up, operate, repeat, strand

__all__ = ["begin", "decide", "give_up", "operate", "repeat", "strand"]
