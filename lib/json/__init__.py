"""JSON and typed data: decodes to a type, reports all faults, keeps all digits of numbers.

`decoder` is the entry. `faults`, `members` and `type_words` describe what does not fit and what was
expected; `secrecy` marks values that are never shown. Imports only lib.errors.
"""
