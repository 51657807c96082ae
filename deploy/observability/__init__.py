"""The alerts, and the request logs that are not kept.

Imports point to cloud_run (names of services), cloud, table and settings.
"""
