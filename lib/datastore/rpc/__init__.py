"""Calls to the service: one connection, one call with its retries, and what its errors mean.

Imports v1.
"""
