"""Converts Python values to stored ones and back: a codec per annotation, a plan per class.

`compiler` makes them. `conversion` defines a codec, `values` has the codecs of single values,
`composites` and `dynamic` combine codecs; `unknown` and `derived_class` keep stored data that a
class does not declare. Imports model, v1 and keys.
"""
