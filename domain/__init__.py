"""What you write: kinds of entities, operations on them, and sagas. Imports only lib.

`sagas` is the table of sagas. `todo` and `orders` are samples that you may delete.
"""
