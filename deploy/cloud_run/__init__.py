"""The Cloud Run services: what each is to be, and how it becomes so.

services describes them from main.py's table, api changes them, invokers says who may call them,
traffic which revision serves, and comparison whether one already is as described.

Imports point to stores (the names of the queues), cloud, table and settings.
"""
