"""What an author declares: a saga, its steps, how each is retried. Data, checked when it is made.

- saga, steps, retry_policy, context: what an author writes; lib.saga has all of it
- types: what a type says of the JSON that it takes, of secrets, and to type checkers
- checks: what is wrong with a name, a number, a function, a type, in words
- saga_checks: what is wrong with a saga as a whole

Nothing here runs a saga or reads Datastore.
"""
