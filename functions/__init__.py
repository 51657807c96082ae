"""The HTTP functions: main.py is their table, one module or room a resource.

- edge: the decorator `endpoint`, with our collaborators; clients makes these on first use
- wait: `Prefer: wait=N`, for functions that start or show a saga
- api, load_check: several functions behind one, and all of them loaded at the start
- sagas/, orders, tasks/: the resources; none imports another one
"""
