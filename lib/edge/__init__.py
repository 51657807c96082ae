"""The edge: HTTP functions made of plain ones.

`endpoint` has the decorator, `binding` makes arguments of a request, `response` and `problems`
make answers; `access` and `identity` say who may call. What a function asks for by a parameter's
name (a store, an engine) is handed in by functions/edge.py: nothing here imports it. Imports json,
timing, observability, config and errors.
"""
