"""What a type says: the JSON that it takes, what of it is secret, and what type checkers infer.

`graph` walks the types that a type is made of; `secret` and `shape` are about payloads, signals
and outputs, `returned` about what a step's function returns. Imports nothing of a saga.
"""
