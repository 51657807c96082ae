"""The store, the queue, the network and the actions as a run's processes see them.

Each has a fault point before and after a lasting effect. It imports processes and what is below.
"""
