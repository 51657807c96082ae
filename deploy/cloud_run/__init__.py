"""The Cloud Run services: the description of each, and how it is applied.

services describes them from main.py's table, api changes them, invokers sets who may call them,
traffic which revision serves, and comparison finds whether one is already as described.

Imports point to stores (the names of the queues), cloud, table and settings.
"""
