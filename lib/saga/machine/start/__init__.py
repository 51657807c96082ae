"""How a saga and each of its steps begin.

`begin` makes the first decision on a saga, `creations` its root record. `pure_functions` evaluates
an author's pure functions, `plan` finds out how a step begins and begins it, and `next_steps` does
that for all steps that fit into one commit. Imports point to forward and decision.
"""
