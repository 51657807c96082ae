"""The alerts, and the request logs that we exclude.

Imports point to cloud_run (names of services), cloud, table and settings.
"""
