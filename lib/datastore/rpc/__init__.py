"""Calls to the service: the connection, one call with its retries, and the errors of a call.

Imports v1.
"""
