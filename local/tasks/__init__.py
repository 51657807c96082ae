"""A stand-in for Cloud Tasks v2 on SQLite; Google's client calls it over gRPC or REST.

Folders, from the bottom up; each imports only those above it in this list:
- v2: messages, names, times, headers, pages and filters of the v2 reference
- resources: validation and defaults of queues and tasks
- storage: queues, tasks and the names of finished tasks in one file
- dispatch: pending tasks by due time and rate, their requests, tokens, faults and retries
- api: the methods of the service
- console: the web page
"""
