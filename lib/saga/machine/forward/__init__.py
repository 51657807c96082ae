"""Going forward: how stages of steps begin, end, fail and stop.

Imports backward to start a rollback; backward imports nothing from here.
"""
