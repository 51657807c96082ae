"""Python values to stored ones and back: a codec for each annotation, a plan for each class.

`compiler` makes them, `values` has those of single values, `composites` and `dynamic` those that
are made of others; `unknown` keeps what a class does not know. Imports model, v1 and keys.
"""
