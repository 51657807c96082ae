"""What an author declares: a saga, its steps, their retries. It is data, checked when constructed.

- saga, steps, retry_policy, context: what an author writes; lib.saga exports all of it
- types: what a type says about its JSON, about secrets, and to type checkers
- checks: checks of single names, numbers, functions and types
- saga_checks: checks of a saga as a whole

Nothing here runs a saga or reads Datastore.
"""
