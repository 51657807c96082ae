"""The way forward: how stages of steps begin, end, fail and stop.

Imports backward, to roll back; backward imports nothing from here.
"""
