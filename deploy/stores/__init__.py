"""The stores of data and tasks: the database's indexes, TTL policies and backups, and the queues.

Imports point to cloud and settings.
"""
