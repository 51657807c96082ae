"""What an author declares: a saga, its steps, how each is retried. Data, checked when it is made.

- saga, steps, retry_policy, context, secret: what an author writes; lib.saga has all of it
- checks: what is wrong with a name, a number, a function, a type, in words
- saga_checks, output_checks, saga_sizes: what is wrong with a saga as a whole
- type_parameters: what type checkers infer of a declaration
- type_graph, shape, returned: what a type says of the JSON that it takes

Nothing here runs a saga or reads Datastore.
"""
