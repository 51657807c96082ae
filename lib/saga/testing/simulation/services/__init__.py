"""The store, the queue, the network and the actions as a run's processes see them.

Each comes to a fault point before and after what lasts. Imports point to processes and below.
"""
