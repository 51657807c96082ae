"""The faults of a run: their kinds, and their descriptions in a report. Imports nothing else."""
