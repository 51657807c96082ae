"""Python values to stored ones and back: a codec for each annotation, a plan for each class.

`compiler` makes them. `conversion` says what a codec is, `values` has those of single values,
`composites` and `dynamic` those made of others; `unknown` and `derived_class` keep what a class
does not know. Imports model, v1 and keys.
"""
