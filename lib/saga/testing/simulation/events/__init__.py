"""The events of a run: deliveries, sweeps, faults that strike, requests from outside.

Imports point to environment and below.
"""
