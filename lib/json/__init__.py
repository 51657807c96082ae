"""JSON and typed data: decoding to a type with all that is wrong named, numbers to the last digit.

`decoder` is the way in. `faults`, `members` and `type_words` say in words what does not fit and
what was wanted; `secrecy` marks what nobody is to be shown. Imports lib.errors alone.
"""
