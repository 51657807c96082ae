"""Validation and defaults of queues and tasks."""
