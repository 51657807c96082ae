"""Time: the present, a request's budget, waits between two tries, and times for an index.

Imports lib.errors alone.
"""
