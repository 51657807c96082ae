"""What a user writes: kinds of entities, operations on them, and sagas. All of it can be deleted.

`sagas` is the table of sagas; `todo` and `orders` are two samples. Imports only lib.
"""
