"""What an author declares: a saga, its steps, their retries. It is data, checked when constructed.

- saga, steps, child, table, retry_policy, context: what an author writes; lib.saga exports it
- element: what steps and child sagas have in common
- types: what a type says about its JSON, about secrets, and to type checkers
- checks: checks of single names, numbers, functions and types
- saga_checks: checks of a saga as a whole

From the bottom up: types, checks, element, steps, saga_checks, saga, child, table; none imports one
after it. Nothing here runs a saga or reads Datastore.
"""
