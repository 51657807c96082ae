"""Queues, tasks and the names of finished tasks in one SQLite file."""
