"""Time: the clock, a request's budget, the waits between attempts, and times for an index.

Imports only lib.errors.
"""
