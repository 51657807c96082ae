"""Google's datastore.v1 as it is: its messages, limits, property paths and text forms of bytes.

Imports nothing of the other rooms.
"""
