"""The events of a run: deliveries, sweeps, injected faults, requests from outside.

It imports environment and what is below it.
"""
