"""Time: the present, the budget of a request, and how long to wait between two tries.

Imports lib.errors alone.
"""
