"""What a user writes: kinds of entities, what is done to them, and sagas. All of it can be deleted.

`sagas` is the table of sagas; `todo` and `orders` are two samples. Imports lib alone.
"""
