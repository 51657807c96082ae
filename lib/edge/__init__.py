"""The edge: makes HTTP functions from plain ones.

`endpoint` has the decorator, `binding` turns a request into arguments, `response` and `problems`
make answers; `access` and `identity` check who may call. functions/edge.py provides the
collaborators (a store, an engine) that functions ask for by parameter name: nothing here imports
them. Imports json, timing, observability, config and errors.
"""
