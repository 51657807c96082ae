"""A stand-in for Cloud Tasks v2 on SQLite, which the stock client talks to over gRPC or REST.

Rooms, from the bottom up; each imports only those above it in this list:
- v2: messages, names, times, headers, pages and filters as the v2 reference has them
- resources: what makes a queue or a task acceptable, and its defaults
- storage: queues, tasks and the names of finished tasks in one file
- dispatch: pending tasks by due time and rate, their requests, tokens, faults, and retries
- api: the methods of the service
- console: the page that a person opens
"""
