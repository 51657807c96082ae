"""How a saga and each of its steps begin.

`creations` makes first records; `functions` evaluates an author's pure functions; `plan` finds out
how a step begins, and begins it; `next_steps` does so for all that fit into one commit.
"""
