"""Steps that are calls to a service's URL."""

from lib.saga.http.step import HttpCall

__all__ = ["HttpCall"]
