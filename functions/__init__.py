"""The HTTP functions, with one module or folder per resource; main.py is their table.

- edge: the decorator `endpoint`, with the collaborators that clients creates on first use
- wait: `Prefer: wait=N`, for functions that start or show a saga
- api, load_check: a function that routes to the others, and a check that all of them load
- sagas/, orders, tasks/: the resources; none imports another
"""
