"""The functions of sagas, by who calls them.

- callers: start a saga, read it, send it a signal
- operators: the verbs, each with a reason
- monitor: counts, dead letters, what is stuck
- worker: the targets of Cloud Tasks and Cloud Scheduler
- names: the ids and names in their requests

They import functions.edge and functions.wait, and none of them another one but names.
"""
