"""What a type says about its JSON, about secrets in it, and to type checkers.

`graph` walks the types that a type contains; `secret` and `shape` are about payloads, signals and
outputs, `returned` is about the return annotation of a step's function. Imports nothing of a saga.
"""
