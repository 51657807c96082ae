"""What people are alerted about, and which request logs are not kept.

Imports point to cloud_run (names of services), cloud, table and settings.
"""
