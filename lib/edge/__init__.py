"""The edge: turns plain functions into HTTP functions.

- endpoint: the decorator, which uses all the rest
- caller: who calls, and whether he may
- request: from a request to a function's arguments
- response: results and errors as answers
- once: what a process makes on first use and closes when it ends

functions/edge.py provides the collaborators (a store, an engine) that functions ask for by
parameter name: nothing here imports them. Imports json, timing, observability, config and errors.
"""
