"""How a saga and each of its steps begin.

`begin` makes the first decision on a saga, `creations` its record. `pure_functions` evaluates an
author's pure functions, `plan` determines how a step begins and begins it, and `next_steps` does
that for all steps that fit into one commit. It imports forward and decision.
"""
