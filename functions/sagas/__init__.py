"""The functions for sagas, by who calls them.

- callers: start a saga, read it, send it a signal
- operators: the verbs, each with a reason
- monitor: counts, dead letters, stuck sagas
- worker: the targets of Cloud Tasks and Cloud Scheduler
- names: the ids and names in their requests

They import functions.edge, functions.wait and names, but not each other.
"""
