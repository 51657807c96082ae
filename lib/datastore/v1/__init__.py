"""Google's datastore.v1 itself: its messages, limits, property paths, and bytes as text.

Imports no other package of lib/datastore.
"""
