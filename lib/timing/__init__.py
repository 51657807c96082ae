"""Time: the clock, a request's budget, the waits between two tries, and times for an index.

Imports only lib.errors.
"""
