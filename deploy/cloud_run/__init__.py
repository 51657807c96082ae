"""The Cloud Run services: the description of each, and how it is applied.

services describes them from main.py's table, and api changes them. invokers sets who may call them,
traffic which revisions serve, and comparison tells whether a service already is as described.

Imports point to stores (the names of the queues), cloud, table and settings.
"""
